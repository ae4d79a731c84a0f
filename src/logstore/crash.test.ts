import { describe, expect, it } from 'vitest'
import { faultStride } from '../testing/depth.ts'
import { batchOf, contentsOf, logFixture } from '../testing/log-fixture.ts'
import { checkRestart, goOnWithTransaction, type Known, lifeConfig, liveLog } from '../testing/log-life.ts'
import { SeededRandom } from '../testing/seeded-random.ts'
import { BatchReader } from '../wire/batch.ts'
import { readSmallFile } from './checkpoints.ts'
import { CHANGING_OPERATIONS, FaultyFileSystem } from './faulty-fs.ts'
import { LogStorageError } from './log-errors.ts'
import { MemoryFileSystem } from './memory-fs.ts'
import type { PartitionLog } from './partition-log.ts'

async function runUntil(
  after: number,
  seed: number,
): Promise<{ memory: MemoryFileSystem; known: Known; died: boolean }> {
  const memory = new MemoryFileSystem()
  const fs = new FaultyFileSystem(memory)
  const known: Known = { appended: new Map(), flushed: 0 }
  fs.inject({ operations: CHANGING_OPERATIONS, after, code: 'EIO', partialBytes: after % 40 })
  try {
    await liveLog(fs, known, seed)
  } catch {
    return { memory, known, died: true }
  }
  return { memory, known, died: fs.inject({}).calls > 0 }
}

async function countOperations(seed: number): Promise<number> {
  const fs = new FaultyFileSystem(new MemoryFileSystem())
  const counter = fs.inject({ operations: CHANGING_OPERATIONS, times: 0 })
  await liveLog(fs, { appended: new Map(), flushed: 0 }, seed)
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
    const log = fixture.open({}, lifeConfig)
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
          const log = other.open({}, lifeConfig)
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
          const log = other.open({}, lifeConfig)
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

it('a flush brings to the device what a kill left of aborted transactions in the page cache', async () => {
  const { fs, open } = logFixture()
  const memory = fs as MemoryFileSystem
  const killed = open()
  const known: Known = { appended: new Map(), flushed: 0 }
  for (let step = 0; step < 2; step++) goOnWithTransaction(killed, known, 0, 'ABORT')
  const aborted = killed.abortedTransactions(0, 2)
  expect(aborted).toHaveLength(1)
  killed.seal()
  memory.kill()
  const log = open({ hadCleanShutdown: false, recoveryPoint: 0 })
  await log.flush()
  fs.syncDirectory('/')
  memory.crash()
  const again = open({ hadCleanShutdown: false, recoveryPoint: log.recoveryPoint })
  expect(log.recoveryPoint).toBe(2)
  expect(again.abortedTransactions(0, 2)).toEqual(aborted)
})
