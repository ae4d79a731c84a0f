import { describe, expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { batchOf, contentsOf, logFixture, START_MS } from '../testing/log-fixture.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { SeededRandom } from '../testing/seeded-random.ts'
import { FaultyFileSystem } from './faulty-fs.ts'
import type { FileSystem } from './file-system.ts'
import { defaultLogConfig } from './log-config.ts'
import { LogDirectory } from './log-directory.ts'
import { MemoryFileSystem } from './memory-fs.ts'
import { PartitionLog } from './partition-log.ts'

const identity = { topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0 }
const client = { leaderEpoch: 0, origin: 'client' } as const
const config = { ...defaultLogConfig, indexIntervalBytes: 4096 }
/** Of 200 batches, which is some forty chunks to read. */
const BATCHES = 200
const VALUE = 'x'.repeat(3000)

function directoryOn(fs: FileSystem): LogDirectory {
  const [clock, random] = [new ManualClock(START_MS), new SeededRandom(1)]
  return LogDirectory.open({ fs, path: '/data', clock, random, logger: silentLogger })
}

/** A log after a clean stop, a batch more, and a kill. */
async function killed() {
  const memory = new MemoryFileSystem()
  const fs = new FaultyFileSystem(memory)
  const directory = directoryOn(fs)
  const before = directory.openOrCreate(identity, config)
  for (let count = 0; count < BATCHES; count++) {
    const producer = { producerId: 7, producerEpoch: 0, baseSequence: count }
    before.appendAsLeader(batchOf([VALUE], producer), client)
  }
  await directory.close()
  const log = directoryOn(fs).openOrCreate(identity, config)
  log.appendAsLeader(batchOf(['last'], { producerId: 7, producerEpoch: 0, baseSequence: BATCHES }), client)
  memory.kill()
  return { memory, fs, path: log.segments.active.path }
}

function readsOfRecovery(fs: FaultyFileSystem, path: RegExp): { reads: number; log: PartitionLog } {
  const reads = fs.inject({ operations: ['read'], path, times: 0 })
  const log = directoryOn(fs).openOrCreate(identity, config)
  return { reads: reads.calls, log }
}

function overwrite(fs: FileSystem, path: string, position: number, bytes: readonly number[]): void {
  const file = fs.open(path, 'write')
  file.write([Buffer.from(bytes)], position)
  file.close()
}

describe('a recovery after a kill', () => {
  it('reads what lies above the recovery point, and knows the producers of all', async () => {
    const { fs, memory } = await killed()
    const { reads, log } = readsOfRecovery(fs, /\.log$/)
    expect(reads).toBeLessThan(10)
    expect((await contentsOf(log)).length).toBe(BATCHES + 1)
    expect(log.producers.entries.get(7)?.lastSequence).toBe(BATCHES)
    expect(log.offsetForTimestamp(START_MS)?.offset).toBe(0)
    memory.kill()
    const again = directoryOn(fs).openOrCreate(identity, config)
    expect(again.logEndOffset).toBe(BATCHES + 1)
    expect(log.segments.active.offsetIndex.count).toBe(again.segments.active.offsetIndex.count)
  })

  it('cuts a torn end off above the recovery point', async () => {
    const { fs, memory, path } = await killed()
    const size = memory.stat(path).size
    overwrite(memory, path, size - 3, [0xff, 0xff, 0xff])
    const { log } = readsOfRecovery(fs, /\.log$/)
    expect(log.logEndOffset).toBe(BATCHES)
    expect(log.producers.entries.get(7)?.lastSequence).toBe(BATCHES - 1)
    expect(log.appendAsLeader(batchOf(['again']), client).firstOffset).toBe(BATCHES)
  })

  it('leaves a torn end off for good: no power cut brings it back', async () => {
    for (const isWhole of [true, false]) {
      const { fs, memory, path } = await killed()
      const size = memory.stat(path).size
      overwrite(memory, path, size - 3, [0xff, 0xff, 0xff])
      // Below the recovery point: everything is read.
      if (isWhole) overwrite(memory, path.replace(/log$/, 'index'), 8, [0, 0, 0, 0])
      const torn = memory.open(path, 'write')
      torn.sync()
      torn.close()
      const { log } = readsOfRecovery(fs, /\.log$/)
      const cutTo = memory.stat(path).size
      expect(cutTo).toBeLessThan(size)
      log.appendAsLeader(batchOf(['again']), client)
      memory.crash()
      expect(memory.stat(path).size).toBe(cutTo)
    }
  })

  it.each([
    ['an index that leads astray', 'index', 12, [0, 0, 0, 9]],
    ['an index that does not ascend', 'index', 8, [0, 0, 0, 0]],
    ['a time index that does not ascend', 'timeindex', 0, [0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ] as const)('reads everything where %s', async (_what, kind, position, bytes) => {
    const { fs, memory, path } = await killed()
    const index = path.replace(/log$/, kind)
    overwrite(memory, index, kind === 'index' ? memory.stat(index).size - position : position, bytes)
    const { log } = readsOfRecovery(fs, /\.log$/)
    expect((await contentsOf(log)).length).toBe(BATCHES + 1)
    for (const offset of [0, 77, BATCHES]) {
      const read = await log.read(offset, 1, log.logEndOffset, true)
      expect(read.nextOffset).toBe(offset + 1)
    }
  })

  it('reads everything where the log does not reach its recovery point', async () => {
    const { fs, memory, path } = await killed()
    const file = memory.open(path, 'write')
    file.truncate(memory.stat(path).size - 8000)
    file.close()
    const { log } = readsOfRecovery(fs, /\.log$/)
    expect(log.logEndOffset).toBe(BATCHES - 3)
    expect(log.producers.entries.get(7)?.lastSequence).toBe(BATCHES - 4)
  })

  it('brings what was in the page cache alone to the device with the next clean stop', async () => {
    const { fs, memory } = await killed()
    const directory = directoryOn(fs)
    directory.openOrCreate(identity, config)
    await directory.close()
    memory.crash()
    const after = directoryOn(fs)
    expect(after.hadCleanShutdown).toBe(true)
    expect((await contentsOf(after.openOrCreate(identity, config))).length).toBe(BATCHES + 1)
  })

  it('syncs nothing in a clean stop after it where nothing has changed since a flush', async () => {
    const memory = new MemoryFileSystem()
    const fs = new FaultyFileSystem(memory)
    const first = directoryOn(fs)
    first.openOrCreate(identity, config).appendAsLeader(batchOf(['a']), client)
    await first.close()
    directoryOn(fs).openOrCreate(identity, config)
    memory.kill()
    const directory = directoryOn(fs)
    // As each start after a kill does.
    directory.openOrCreate(identity, config).assignEpochStartOffset(1)
    const syncs = fs.inject({ operations: ['sync', 'syncDirectory'], path: /t-0/ })
    await directory.close()
    expect(syncs.calls).toBe(0)
  })

  it('can be given up at any step, and begun anew', async () => {
    const { fs, open, directory } = logFixture()
    const log = open()
    for (let count = 0; count < 8; count++) log.appendAsLeader(batchOf(['y'.repeat(1_000_000)]), client)
    const options = { fs, directory, topic: 'topic', partition: 0, config: defaultLogConfig }
    const begin = () =>
      PartitionLog.opening({ ...options, clock: new ManualClock(START_MS), random: new SeededRandom(1) })
    for (let steps = 1; steps < 3; steps++) {
      const opening = begin()
      for (let step = 0; step < steps; step++) expect(opening.next().done).toBe(false)
      opening.return(log)
    }
    const opening = begin()
    let next = opening.next()
    while (!next.done) next = opening.next()
    expect(next.value.logEndOffset).toBe(8)
  })
})
