import { describe, expect, it } from 'vitest'
import { batchOf, contentsOf, logFixture, START_MS } from '../testing/log-fixture.ts'
import { FaultyFileSystem } from './faulty-fs.ts'
import { isOutOfRoom, LogStorageError } from './log-errors.ts'
import { MemoryFileSystem } from './memory-fs.ts'
import type { PartitionLog } from './partition-log.ts'

const BESIDE_THE_RECORDS = /\.(index|timeindex|snapshot)$|leader-epoch-checkpoint/
const producer = { producerId: 4, producerEpoch: 0 }

function setUp() {
  const memory = new MemoryFileSystem()
  memory.makeDirectory('/data')
  memory.syncDirectory('/')
  const fs = new FaultyFileSystem(memory)
  return { memory, ...logFixture(fs), fs }
}

/** Appends each as a batch; resolves when what has to be on the device is there. */
function append(log: PartitionLog, ...values: string[]): Promise<unknown> {
  const flushed: (Promise<void> | undefined)[] = []
  for (const value of values) {
    const batch = batchOf([value], { ...producer, baseSequence: log.logEndOffset })
    flushed.push(log.appendAsLeader(batch, { leaderEpoch: 0, origin: 'client' }).flushed)
    log.updateHighWatermark(log.logEndOffset)
  }
  return Promise.all(flushed)
}

const valuesIn = async (log: PartitionLog) => (await contentsOf(log)).map(([, value]) => value)

describe('a flush on a disk that has no room for what stands beside the records', () => {
  it('makes the records durable, and what stands beside them when there is room', async () => {
    const { fs, memory, open } = setUp()
    const log = open()
    await append(log, 'a', 'b')
    const full = fs.inject({ operations: ['write'], path: BESIDE_THE_RECORDS, code: 'ENOSPC' })
    await log.flush()
    expect([log.failure, log.recoveryPoint]).toEqual([undefined, 0])
    await append(log, 'c')
    full.remove()
    await log.flush()
    expect(log.recoveryPoint).toBe(3)
    fs.inject({ operations: ['write'], path: BESIDE_THE_RECORDS, code: 'ENOSPC' })
    await append(log, 'd')
    await log.flush()
    fs.clearFaults()
    memory.crash()
    const again = open({ recoveryPoint: log.recoveryPoint })
    expect(await valuesIn(again)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('lets every append of flush.messages=1 be acknowledged, durable', async () => {
    const { fs, memory, open } = setUp()
    const log = open({}, { flushMessages: 1 })
    await append(log, 'a')
    fs.inject({ operations: ['write'], path: BESIDE_THE_RECORDS, code: 'ENOSPC' })
    await append(log, 'b', 'c')
    expect(log.failure).toBeUndefined()
    fs.clearFaults()
    memory.crash()
    const again = open({ recoveryPoint: log.recoveryPoint })
    expect(await valuesIn(again)).toEqual(['a', 'b', 'c'])
    expect(again.producers.entries.get(4)?.lastSequence).toBe(2)
  })

  it('does not pass for a clean stop', async () => {
    const { fs, open } = setUp()
    const log = open()
    await append(log, 'a')
    fs.inject({ operations: ['write'], path: /leader-epoch/, code: 'ENOSPC' })
    await expect(log.close()).rejects.toThrow(LogStorageError)
  })

  it('writes an index whole where a part of it was written before', async () => {
    const { fs, open } = setUp()
    const log = open({}, { indexIntervalBytes: 1 })
    await append(log, 'a', 'b', 'c', 'd')
    fs.inject({ operations: ['write'], path: /\d\.index$/, code: 'ENOSPC', partialBytes: 13, times: 1 })
    await log.flush()
    log.truncateTo(1)
    await append(log, 'e')
    await log.close()
    const again = open({ hadCleanShutdown: true, recoveryPoint: 2 })
    expect(again.segments.active.offsetIndex.count).toBeLessThan(2)
    expect(await valuesIn(again)).toEqual(['a', 'e'])
  })
})

describe('a sync that fails for want of room', () => {
  it.each([
    ['the records', /\.log$/],
    ['an index', /\.timeindex$/],
    ['a snapshot', /\.snapshot$/],
  ])('of %s takes the log offline: what was written may be lost', async (_, path) => {
    const { fs, open } = setUp()
    const failures: unknown[] = []
    const log = open({ onFailure: (error) => failures.push(error) }, { segmentBytes: 100 })
    await append(log, 'a')
    await log.flush()
    fs.inject({ operations: ['sync'], path, code: 'ENOSPC', times: 1 })
    await append(log, 'b', 'c')
    await expect(log.flush()).rejects.toThrow(LogStorageError)
    expect(() => append(log, 'd')).toThrow(LogStorageError)
    expect(failures).toHaveLength(1)
  })
})

describe('retention on a full disk', () => {
  it('goes on, but for the active segment, which would need another one', async () => {
    const { fs, open } = setUp()
    const log = open({}, { segmentBytes: 100, retentionMs: 1000 })
    await append(log, 'a', 'b', 'c')
    const full = fs.inject({ operations: ['create'], path: /\.log$/, code: 'ENOSPC' })
    expect(log.deleteOldSegments(START_MS + 5000)).toBe(2)
    expect(await valuesIn(log)).toEqual(['c'])
    full.remove()
    expect(log.deleteOldSegments(START_MS + 5000)).toBe(1)
    expect(await valuesIn(log)).toEqual([])
    await append(log, 'd')
    expect(await valuesIn(log)).toEqual(['d'])
  })
})

describe('a segment that the disk has no room for', () => {
  it.each([
    ['its file', { operations: ['create'] as const, path: /\.log$/ }],
    ['the indexes of the one before', { operations: ['write'] as const, path: /index$/ }],
    ['the snapshot of the producers', { operations: ['write'] as const, path: /\.snapshot$/ }],
  ])('%s refuses the append, and the next one has it when there is room', async (_, fault) => {
    const { fs, open } = setUp()
    const log = open({}, { segmentBytes: 100 })
    await append(log, 'a')
    const full = fs.inject({ ...fault, code: 'ENOSPC', partialBytes: 5 })
    for (const value of ['lost', 'lost too']) {
      const refused = () => append(log, value)
      expect(refused).toThrow(LogStorageError)
      try {
        void refused()
      } catch (error) {
        expect(isOutOfRoom(error)).toBe(true)
      }
    }
    expect(await valuesIn(log)).toEqual(['a'])
    full.remove()
    await append(log, 'b')
    expect(await valuesIn(log)).toEqual(['a', 'b'])
    await log.close()
    expect(await valuesIn(open({ hadCleanShutdown: true, recoveryPoint: 2 }))).toEqual(['a', 'b'])
  })
})
