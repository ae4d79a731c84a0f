import { describe, expect, it } from 'vitest'
import { faultStride } from '../testing/depth.ts'
import { batchOf, contentsOf, logFixture, START_MS } from '../testing/log-fixture.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { SeededRandom } from '../testing/seeded-random.ts'
import { BatchReader } from '../wire/batch.ts'
import { encodeEndTxnMarkerBatch } from '../wire/control-records.ts'
import { readSmallFile } from './checkpoints.ts'
import { CHANGING_OPERATIONS, FaultyFileSystem } from './faulty-fs.ts'
import type { FileSystem } from './file-system.ts'
import type { LogConfig } from './log-config.ts'
import { defaultLogConfig } from './log-config.ts'
import { LogDirectory } from './log-directory.ts'
import { LogStorageError } from './log-errors.ts'
import { MemoryFileSystem } from './memory-fs.ts'
import type { PartitionLog } from './partition-log.ts'

const config: LogConfig = {
  ...defaultLogConfig,
  segmentBytes: 700,
  indexIntervalBytes: 150,
  fileDeleteDelayMs: 0,
}
const PRODUCERS = 3
const MARKER = 'a marker'
/** Logs of even seeds are one segment, of which recovery reads the end alone. */
const WHOLE_LOG_BYTES = 100_000

/** What a run knows at the moment that the machine goes down. */
interface Known {
  /** Values by offset, all that was acknowledged. */
  readonly appended: Map<number, string>
  /** All below was flushed. */
  flushed: number
}

function openDirectory(fs: FileSystem, clock: ManualClock): LogDirectory {
  const logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => logger }
  return LogDirectory.open({ fs, path: '/data', clock, random: new SeededRandom(5), logger })
}

const identity = { topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0 }

function openLog(directory: LogDirectory, segmentBytes = config.segmentBytes): PartitionLog {
  return directory.openOrCreate(identity, { ...config, segmentBytes })
}

/** Begins a transaction, or ends the one that is open. */
function goOnWithTransaction(
  log: PartitionLog,
  known: Known,
  leaderEpoch: number,
  type: 'ABORT' | 'COMMIT',
): void {
  const producer = { producerId: 20, producerEpoch: 0 }
  const entry = log.producers.entries.get(producer.producerId)
  if (entry?.currentTxnFirstOffset === undefined) {
    const baseSequence = (entry?.lastSequence ?? -1) + 1
    const batch = batchOf(['in a transaction'], { ...producer, baseSequence, isTransactional: true })
    const { firstOffset } = log.appendAsLeader(batch, { leaderEpoch, origin: 'client' })
    known.appended.set(firstOffset, 'in a transaction')
    return
  }
  const marker = encodeEndTxnMarkerBatch({
    marker: { type, coordinatorEpoch: 0 },
    ...producer,
    timestamp: START_MS,
  })
  const { firstOffset } = log.appendAsLeader(marker, { leaderEpoch, origin: 'coordinator' })
  known.appended.set(firstOffset, MARKER)
}

/** Appends, flushes, cuts, deletes and checkpoints until the disk says no. */
async function run(fs: FileSystem, known: Known, seed: number): Promise<void> {
  const random = new SeededRandom(seed)
  const clock = new ManualClock(START_MS)
  const directory = openDirectory(fs, clock)
  const log = openLog(directory, seed % 2 === 0 ? WHOLE_LOG_BYTES : config.segmentBytes)
  const sequences = new Map<number, number>()
  for (let step = 0; step < 60; step++) {
    const leaderEpoch = Math.floor(step / 15)
    if (random.chance(0.3))
      goOnWithTransaction(log, known, leaderEpoch, random.chance(0.6) ? 'ABORT' : 'COMMIT')
    const producerId = 10 + random.integer(0, PRODUCERS - 1)
    const value = `${step}:${'x'.repeat(random.integer(0, 60))}`
    const baseSequence = sequences.get(producerId) ?? 0
    const batch = batchOf([value], { producerId, producerEpoch: 0, baseSequence })
    const { firstOffset } = log.appendAsLeader(batch, { leaderEpoch, origin: 'client' })
    known.appended.set(firstOffset, value)
    sequences.set(producerId, baseSequence + 1)
    log.updateHighWatermark(log.logEndOffset)
    if (random.chance(0.15)) {
      const target = log.logEndOffset
      await log.flush()
      known.flushed = Math.max(known.flushed, target)
    }
    if (random.chance(0.1)) directory.checkpointRecoveryPoints()
    if (random.chance(0.05)) directory.checkpointHighWatermarks()
    if (step === 40) {
      const cut = log.logEndOffset - 4
      for (let offset = cut; offset < log.logEndOffset; offset++) known.appended.delete(offset)
      known.flushed = Math.min(known.flushed, cut)
      log.truncateTo(cut)
      sequences.clear()
      for (const [id, entry] of log.producers.entries) sequences.set(id, entry.lastSequence + 1)
    }
  }
  await directory.close()
}

/** The state of the producers that a reading of all batches gives. */
async function checkRestart(fs: FileSystem, known: Known, survives: 'flushed' | 'everything'): Promise<void> {
  const directory = openDirectory(fs, new ManualClock(START_MS))
  const log = openLog(directory)
  const contents = await contentsOf(log)
  // No gap, nothing torn, nothing that was never appended at that offset.
  expect(contents.map(([offset]) => offset)).toEqual(contents.map((_, index) => index))
  expect(contents.length).toBe(log.logEndOffset)
  const least =
    survives === 'everything' ? Math.max(0, ...[...known.appended.keys()].map((o) => o + 1)) : known.flushed
  expect(log.logEndOffset).toBeGreaterThanOrEqual(least)
  for (const [offset, value] of contents) {
    const expected = known.appended.get(offset)
    if (offset < least && expected !== MARKER) expect(value, `at ${offset}`).toBe(expected)
  }
  // A replay into an empty log gives the same producers.
  const replayed = logFixture()
  const other = replayed.open({}, config)
  for (let offset = 0; offset < log.logEndOffset; ) {
    const read = await log.read(offset, 10_000, log.logEndOffset, true)
    for (const buffer of read.buffers) other.appendAsFollower(Buffer.from(buffer))
    offset = read.nextOffset
  }
  const state = (of: PartitionLog) =>
    [...of.producers.entries]
      .map(([id, entry]) => [id, entry.producerEpoch, entry.lastSequence, entry.lastDataOffset])
      .sort()
  expect(state(log)).toEqual(state(other))
  expect(log.leaderEpochs.entries).toEqual(other.leaderEpochs.entries)
  const aborted = (of: PartitionLog) => of.abortedTransactions(0, log.logEndOffset)
  expect(aborted(log)).toEqual(aborted(other))
  for (const each of [log, other]) each.updateHighWatermark(log.logEndOffset)
  expect(log.lastStableOffset).toBe(other.lastStableOffset)
  // And it goes on.
  const { firstOffset } = log.appendAsLeader(batchOf(['after']), { leaderEpoch: 9, origin: 'client' })
  expect((await contentsOf(log)).at(-1)).toEqual([firstOffset, 'after'])
  await directory.close()
  expect(openDirectory(fs, new ManualClock(START_MS)).hadCleanShutdown).toBe(true)
}

async function runUntil(
  after: number,
  seed: number,
): Promise<{ memory: MemoryFileSystem; known: Known; died: boolean }> {
  const memory = new MemoryFileSystem()
  const fs = new FaultyFileSystem(memory)
  const known: Known = { appended: new Map(), flushed: 0 }
  fs.inject({ operations: CHANGING_OPERATIONS, after, code: 'EIO', partialBytes: after % 40 })
  try {
    await run(fs, known, seed)
  } catch {
    return { memory, known, died: true }
  }
  return { memory, known, died: fs.inject({}).calls > 0 }
}

async function countOperations(seed: number): Promise<number> {
  const fs = new FaultyFileSystem(new MemoryFileSystem())
  const counter = fs.inject({ operations: CHANGING_OPERATIONS, times: 0 })
  await run(fs, { appended: new Map(), flushed: 0 }, seed)
  return counter.calls
}

describe('a machine that goes down after any change to its disk', () => {
  it.each([1, 6])(
    'keeps what was flushed, without a torn batch, when all that was not synced is gone (seed %i)',
    async (seed) => {
      const total = await countOperations(seed)
      expect(total).toBeGreaterThan(100)
      for (let after = 0; after < total; after += faultStride) {
        const { memory, known } = await runUntil(after, seed)
        memory.crash()
        await checkRestart(memory, known, 'flushed')
      }
    },
  )

  it.each([2, 3])('keeps what was flushed when any part of the rest survived (seed %i)', async (seed) => {
    const total = await countOperations(seed)
    for (let after = 0; after < total; after += faultStride) {
      const { memory, known } = await runUntil(after, seed)
      memory.crash(new SeededRandom(after))
      await checkRestart(memory, known, 'flushed')
    }
  })

  it.each([4, 5])(
    'keeps everything that was appended when only the process was killed (seed %i)',
    async (seed) => {
      const total = await countOperations(seed)
      for (let after = 0; after < total; after += faultStride) {
        const { memory, known } = await runUntil(after, seed)
        memory.kill()
        await checkRestart(memory, known, 'everything')
      }
    },
  )
})

describe('a changed byte', () => {
  const write = (fs: MemoryFileSystem, path: string, at: number) => {
    const file = fs.open(path, 'write')
    const byte = Buffer.alloc(1)
    file.read(byte, 0, 1, at)
    byte[0]! ^= 0x5a
    file.write([byte], at)
    file.close()
  }
  const setUp = async () => {
    const fixture = logFixture()
    const log = fixture.open({}, config)
    for (let i = 0; i < 12; i++)
      log.appendAsLeader(batchOf([`value ${i}`], { producerId: 4, producerEpoch: 0, baseSequence: i }), {
        leaderEpoch: i < 6 ? 0 : 1,
        origin: 'client',
      })
    const contents = await contentsOf(log)
    await log.close()
    return { fixture, fs: fixture.fs as MemoryFileSystem, contents }
  }

  // The CRC covers neither the base offset nor the leader epoch, which the leader sets; nothing tells them from others.
  const isCovered = (at: number) => (at >= 8 && at < 12) || at >= 16

  it('that a CRC covers ends the log before its batch after an unclean stop', async () => {
    const { fixture, fs } = await setUp()
    const names = fs.readDirectory(fixture.directory).filter((name) => name.endsWith('.log'))
    expect(names.length).toBeGreaterThan(1)
    for (const name of names) {
      const bytes = readSmallFile(fs, `${fixture.directory}/${name}`)!
      for (const batch of new BatchReader(bytes)) {
        for (let at = 0; at < batch.sizeInBytes; at += 3) {
          const { fixture: other, fs: changed, contents } = await setUp()
          write(changed, `${other.directory}/${name}`, batch.position + at)
          const log = other.open({}, config)
          if (!isCovered(at)) continue
          expect(await contentsOf(log)).toEqual(contents.slice(0, batch.baseOffset))
          expect(log.logEndOffset).toBe(batch.baseOffset)
        }
      }
    }
  })

  it.each(['.index', '.timeindex', '.snapshot', 'leader-epoch-checkpoint'])(
    'anywhere in %s costs no record after an unclean stop',
    async (suffix) => {
      const { fixture, fs } = await setUp()
      const names = fs.readDirectory(fixture.directory).filter((name) => name.endsWith(suffix))
      expect(names.length).toBeGreaterThan(0)
      for (const name of names) {
        const { size } = fs.stat(`${fixture.directory}/${name}`)
        for (let at = 0; at < size; at++) {
          const { fixture: other, fs: changed, contents } = await setUp()
          write(changed, `${other.directory}/${name}`, at)
          const log = other.open({}, config)
          expect(await contentsOf(log)).toEqual(contents)
          expect(log.producers.entries.get(4)?.lastSequence).toBe(11)
        }
      }
    },
  )
})

describe('flush.messages=1', () => {
  const appendTo = (log: PartitionLog, value: string) =>
    log.appendAsLeader(batchOf([value]), { leaderEpoch: 0, origin: 'client' })
  it('says when an append is durable, across segments', async () => {
    const fs = new MemoryFileSystem()
    const { open } = logFixture(fs)
    const log = open({}, { flushMessages: 1, segmentBytes: 300 })
    for (let i = 0; i < 9; i++) appendTo(log, `v${i}`)
    await appendTo(log, 'v9').flushed
    fs.syncDirectory('/')
    fs.crash()
    expect(await contentsOf(open())).toEqual(Array.from({ length: 10 }, (_, i) => [i, `v${i}`]))
  })

  it('asks for nothing below so many messages', async () => {
    const log = logFixture().open({}, { flushMessages: 3 })
    expect([appendTo(log, 'a').flushed, appendTo(log, 'b').flushed]).toEqual([undefined, undefined])
    await appendTo(log, 'c').flushed
    expect(appendTo(log, 'd').flushed).toBeUndefined()
  })

  it('brings appends that come during a sync to the device with the next one, and indexes once a second', async () => {
    const fs = new MemoryFileSystem()
    const { open, clock } = logFixture(fs)
    const synced: string[] = []
    const openFile = fs.open.bind(fs)
    fs.open = (path, mode) => {
      const file = openFile(path, mode)
      const sync = file.syncAsync.bind(file)
      file.syncAsync = () => {
        synced.push(path.slice(path.lastIndexOf('.') + 1))
        return sync()
      }
      return file
    }
    const log = open({}, { flushMessages: 1, indexIntervalBytes: 1 })
    const first = appendTo(log, 'a').flushed
    while (synced.length === 0) await Promise.resolve()
    await Promise.all([first, ...Array.from({ length: 20 }, () => appendTo(log, 'b').flushed)])
    expect(synced).toEqual(['log', 'log'])
    expect(log.recoveryPoint).toBe(0)
    clock.advance(1000)
    await appendTo(log, 'c').flushed
    expect(synced).toContain('index')
    expect(log.recoveryPoint).toBe(22)
  })

  it('brings to the device what a kill left in the page cache, before anybody reads it', async () => {
    const fs = new MemoryFileSystem()
    const { open } = logFixture(fs)
    appendTo(open({}, { flushMessages: 1 }), 'a')
    open({}, { flushMessages: 1 })
    fs.syncDirectory('/')
    fs.crash()
    expect(await contentsOf(open())).toEqual([[0, 'a']])
  })

  it('fails an append that cannot be synced, and one whose log goes away before it is', async () => {
    const memory = new MemoryFileSystem()
    const fs = new FaultyFileSystem(memory)
    const { open } = logFixture(fs)
    const log = open({}, { flushMessages: 1 })
    const waiting = appendTo(log, 'a').flushed
    log.abandon()
    await expect(waiting).rejects.toThrow(LogStorageError)
    const again = open({}, { flushMessages: 1 })
    fs.inject({ operations: ['sync'], path: /log$/, code: 'EIO' })
    await expect(appendTo(again, 'b').flushed).rejects.toThrow(LogStorageError)
  })
})

it('a power cut takes no aborted transaction below the recovery point, also where it is the first of its segment', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const { fs, open } = logFixture()
    const created = open()
    created.appendAsLeader(batchOf(['plain']), { leaderEpoch: 0, origin: 'client' })
    await created.close()
    fs.syncDirectory('/')
    const log = open({ hadCleanShutdown: true, recoveryPoint: 1 })
    const known: Known = { appended: new Map(), flushed: 0 }
    for (let step = 0; step < 2; step++) goOnWithTransaction(log, known, 0, 'ABORT')
    const aborted = log.abortedTransactions(0, 3)
    expect(aborted).toHaveLength(1)
    await log.close()
    const { recoveryPoint } = log
    expect(recoveryPoint).toBe(3)
    // The names of the index and of the producers' snapshot survive together, or one of them alone.
    for (let restart = 0; restart < 3; restart++) {
      ;(fs as MemoryFileSystem).crash(new SeededRandom(seed))
      const again = open({ hadCleanShutdown: false, recoveryPoint })
      expect(again.abortedTransactions(0, 3), `seed ${seed}, restart ${restart}`).toEqual(aborted)
    }
  }
})
