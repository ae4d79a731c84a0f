import { describe, expect, it } from 'vitest'
import { batchOf, contentsOf, logFixture, START_MS } from '../testing/log-fixture.ts'
import { updateBatchCrc } from '../wire/batch.ts'
import { encodeEndTxnMarkerBatch } from '../wire/control-records.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { FaultyFileSystem } from './faulty-fs.ts'
import type { LogConfig } from './log-config.ts'
import { type AppendRefused, LogStorageError } from './log-errors.ts'
import { MemoryFileSystem } from './memory-fs.ts'
import { OpenFiles } from './open-files.ts'
import type { PartitionLog } from './partition-log.ts'

const client = { leaderEpoch: 0, origin: 'client' } as const

function refusal(
  log: PartitionLog,
  records: Buffer,
  origin: 'client' | 'coordinator' = 'client',
): AppendRefused {
  const before = [log.logEndOffset, log.size]
  try {
    log.appendAsLeader(records, { leaderEpoch: 0, origin })
  } catch (error) {
    expect([log.logEndOffset, log.size]).toEqual(before)
    return error as AppendRefused
  }
  throw new Error('the append was not refused')
}

/** Changes bytes of the header and makes the CRC right again. */
function patched(batch: Buffer, patch: (batch: Buffer) => void): Buffer {
  patch(batch)
  updateBatchCrc(batch, 0)
  return batch
}

describe('an append that breaks a rule is refused whole', () => {
  const cases: [string, number, () => Buffer, Partial<LogConfig>?][] = [
    ['two batches', ErrorCode.INVALID_RECORD, () => Buffer.concat([batchOf(['a']), batchOf(['b'])])],
    [
      'a wrong CRC',
      ErrorCode.CORRUPT_MESSAGE,
      () => {
        const batch = batchOf(['a'])
        batch[batch.length - 1]! ^= 1
        return batch
      },
    ],
    [
      'a batch that claims magic 1, which the checksum of that does not fit',
      ErrorCode.CORRUPT_MESSAGE,
      () => patched(batchOf(['a']), (b) => b.writeInt8(1, 16)),
    ],
    ['magic 3', ErrorCode.CORRUPT_MESSAGE, () => patched(batchOf(['a']), (b) => b.writeInt8(3, 16))],
    [
      'a length of zero',
      ErrorCode.CORRUPT_MESSAGE,
      () => {
        const batch = batchOf(['a'])
        batch.writeInt32BE(0, 8)
        return batch
      },
    ],
    ['a base offset', ErrorCode.INVALID_RECORD, () => batchOf(['a'], { baseOffset: 5 })],
    ['no records', ErrorCode.INVALID_RECORD, () => batchOf([], { lastOffsetDelta: 0 })],
    ['a negative offset range', ErrorCode.INVALID_RECORD, () => batchOf(['a'], { lastOffsetDelta: -1 })],
    [
      'a count that is not the offset range',
      ErrorCode.INVALID_RECORD,
      () => batchOf(['a', 'b'], { lastOffsetDelta: 2 }),
    ],
    ['a control batch', ErrorCode.INVALID_RECORD, () => batchOf(['a'], { isControl: true })],
    [
      'a producer without sequence',
      ErrorCode.INVALID_RECORD,
      () => batchOf(['a'], { producerId: 1, producerEpoch: 0 }),
    ],
    [
      'more than max.message.bytes',
      ErrorCode.MESSAGE_TOO_LARGE,
      () => batchOf(['a'.repeat(200)]),
      { maxMessageBytes: 200 },
    ],
    [
      'more than segment.bytes',
      ErrorCode.RECORD_LIST_TOO_LARGE,
      () => batchOf(['a'.repeat(200)]),
      { segmentBytes: 200 },
    ],
    [
      'an unknown codec',
      ErrorCode.CORRUPT_MESSAGE,
      () => patched(batchOf(['a']), (b) => b.writeInt16BE(6, 21)),
    ],
    [
      'a broken record under sluice.validate.records',
      ErrorCode.INVALID_RECORD,
      () => patched(batchOf(['a']), (b) => b.writeInt8(99, 61)),
      { validateRecords: true },
    ],
  ]
  it.each(cases)('%s', (_what, errorCode, records, config) => {
    const log = logFixture().open({}, config)
    log.appendAsLeader(batchOf(['first']), client)
    expect(refusal(log, records()).errorCode).toBe(errorCode)
    expect(log.appendAsLeader(batchOf(['next']), client).firstOffset).toBe(1)
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half a batch', batchOf(['a']).subarray(0, 50)],
  ])('%s is no append, and none that is refused', (_what, records) => {
    const log = logFixture().open()
    expect(log.appendAsLeader(records, client)).toMatchObject({ firstOffset: -1, sizeInBytes: 0 })
    expect(log.logEndOffset).toBe(0)
  })

  it('names each record whose timestamp is out of range', () => {
    const log = logFixture().open({}, { messageTimestampBeforeMaxMs: 1000 })
    const batch = batchOf([], {
      records: [
        { value: Buffer.from('fine') },
        { value: Buffer.from('ahead'), timestampDelta: 3_600_001 },
        { value: Buffer.from('behind'), timestampDelta: -1001 },
      ],
    })
    const error = refusal(log, batch)
    expect(error.errorCode).toBe(ErrorCode.INVALID_TIMESTAMP)
    expect(error.recordErrors).toEqual([
      {
        batchIndex: 1,
        message: `Timestamp ${START_MS + 3_600_001} of message with offset 1 is out of range. The timestamp should be within [${START_MS - 1000}, ${START_MS + 3_600_000}]`,
      },
      { batchIndex: 2, message: expect.stringContaining('offset 2 is out of range') },
    ])
    log.appendAsLeader(batchOf(['on the edge'], { baseTimestamp: START_MS + 3_600_000 }), client)
  })

  it('names each record without a key on a compacted topic', () => {
    const log = logFixture().open({}, { cleanupPolicy: ['compact'] })
    const batch = batchOf([], {
      compression: 'gzip',
      records: [{ key: Buffer.from('k'), value: null }, { value: Buffer.from('v') }],
    })
    const error = refusal(log, batch)
    expect(error.errorCode).toBe(ErrorCode.INVALID_RECORD)
    expect(error.recordErrors).toEqual([
      {
        batchIndex: 1,
        message: 'Compacted topic cannot accept message without key in topic partition topic-0',
      },
    ])
  })

  it('counts records without end and names the first thousand', () => {
    const log = logFixture().open({}, { cleanupPolicy: ['compact'] })
    const records = Array.from({ length: 5000 }, () => ({ value: null }))
    for (const timestamp of [START_MS, START_MS * 2]) {
      const error = refusal(log, batchOf([], { compression: 'gzip', baseTimestamp: timestamp, records }))
      expect(error.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual(
        Array.from({ length: 1000 }, (_, index) => index),
      )
      if (timestamp === START_MS) expect(error.message).toContain('5000 record errors in total')
    }
  })
})

describe('an idempotent producer', () => {
  const send = (log: PartitionLog, baseSequence: number, count = 1, producerEpoch = 0) =>
    log.appendAsLeader(
      batchOf(
        Array.from({ length: count }, (_, i) => `s${baseSequence + i}`),
        { producerId: 7, producerEpoch, baseSequence },
      ),
      client,
    )
  const errorOf = (log: PartitionLog, baseSequence: number, count = 1, producerEpoch = 0) => {
    const batch = batchOf(Array(count).fill('x'), { producerId: 7, producerEpoch, baseSequence })
    return refusal(log, batch).errorCode
  }

  it('gets the first offsets for a duplicate of its last five batches, and 45 for any other repetition or gap', () => {
    const log = logFixture().open()
    for (let i = 0; i < 6; i++) send(log, i * 2, 2)
    for (let i = 1; i < 6; i++)
      expect(send(log, i * 2, 2)).toMatchObject({
        firstOffset: i * 2,
        lastOffset: i * 2 + 1,
        duplicate: true,
        logAppendTimeMs: START_MS,
      })
    expect(log.logEndOffset).toBe(12)
    const outOfOrder = ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    expect([errorOf(log, 0, 2), errorOf(log, 10, 1), errorOf(log, 11, 2), errorOf(log, 13)]).toEqual(
      Array(4).fill(outOfOrder),
    )
    expect(send(log, 12)).toMatchObject({ firstOffset: 12, duplicate: false })
  })

  it('begins anywhere when it is not known, at 0 with a new epoch, and not at all with an old one', () => {
    const log = logFixture().open()
    expect(send(log, 40, 1, 3).firstOffset).toBe(0)
    expect(errorOf(log, 41, 1, 4)).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(send(log, 0, 1, 4).firstOffset).toBe(1)
    expect(errorOf(log, 41, 1, 3)).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
  })

  it('goes on at 0 after the largest sequence, within a batch as well', () => {
    const log = logFixture().open()
    send(log, 2 ** 31 - 2, 1)
    send(log, 2 ** 31 - 1, 3)
    expect(send(log, 2 ** 31 - 1, 3).duplicate).toBe(true)
    expect(send(log, 2, 1).firstOffset).toBe(4)
  })

  it('is remembered over a clean stop and a kill, and forgotten when it is silent for too long', async () => {
    const fixture = logFixture()
    const log = fixture.open({}, { segmentBytes: 200 })
    for (let i = 0; i < 7; i++) send(log, i)
    await log.flush()
    const killed = fixture.open()
    expect(errorOf(killed, 9)).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(send(killed, 6)).toMatchObject({ firstOffset: 6, duplicate: true })
    await killed.close()
    const clean = fixture.open({ hadCleanShutdown: true })
    expect(send(clean, 6)).toMatchObject({ firstOffset: 6, duplicate: true })
    expect(clean.expireProducers(START_MS + 86_400_000)).toBe(1)
    expect(send(clean, 900).firstOffset).toBe(7)
  })
})

describe('a transaction', () => {
  const data = (log: PartitionLog, producerId: number, baseSequence: number) =>
    log.appendAsLeader(
      batchOf(['t'], { producerId, producerEpoch: 0, baseSequence, isTransactional: true }),
      client,
    ).firstOffset
  const end = (log: PartitionLog, producerId: number, type: 'ABORT' | 'COMMIT', coordinatorEpoch = 1) =>
    log.appendAsLeader(
      encodeEndTxnMarkerBatch({
        marker: { type, coordinatorEpoch },
        producerId,
        producerEpoch: 0,
        timestamp: START_MS,
      }),
      { leaderEpoch: 0, origin: 'coordinator' },
    ).firstOffset

  it('holds the last stable offset back until its marker is below the high watermark', async () => {
    const fixture = logFixture()
    const log = fixture.open({}, { segmentBytes: 250 })
    log.appendAsLeader(batchOf(['plain']), client)
    data(log, 1, 0)
    data(log, 2, 0)
    log.updateHighWatermark(3)
    expect(log.lastStableOffset).toBe(1)
    expect(end(log, 1, 'ABORT')).toBe(3)
    expect(log.lastStableOffset).toBe(1)
    log.updateHighWatermark(4)
    expect(log.lastStableOffset).toBe(2)
    end(log, 2, 'COMMIT')
    log.updateHighWatermark(5)
    expect(log.lastStableOffset).toBe(5)
    const aborted = [{ producerId: 1, firstOffset: 1, lastOffset: 3, lastStableOffset: 2 }]
    expect(log.abortedTransactions(0, 5)).toEqual(aborted)
    expect(log.abortedTransactions(4, 5)).toEqual([])
    expect(log.abortedTransactions(0, 1)).toEqual([])
    await log.flush()
    const killed = fixture.open()
    expect(killed.abortedTransactions(0, 5)).toEqual(aborted)
    data(killed, 1, 1)
    killed.updateHighWatermark(6)
    expect(killed.lastStableOffset).toBe(5)
    const fenced = encodeEndTxnMarkerBatch({
      marker: { type: 'COMMIT', coordinatorEpoch: 0 },
      producerId: 1,
      producerEpoch: 0,
      timestamp: START_MS,
    })
    expect(refusal(killed, fenced, 'coordinator').errorCode).toBe(ErrorCode.TRANSACTION_COORDINATOR_FENCED)
    const outside = batchOf(['x'], { producerId: 1, producerEpoch: 0, baseSequence: 2 })
    expect(refusal(killed, outside).errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
  })
})

describe('a disk that fails', () => {
  it.each(['ENOSPC', 'EIO', 'EROFS'] as const)(
    'with %s in the middle of a write leaves the log as it was',
    async (code) => {
      const fs = new FaultyFileSystem(new MemoryFileSystem())
      const { open } = logFixture(fs)
      const log = open()
      log.appendAsLeader(batchOf(['one']), client)
      fs.inject({ operations: ['write'], path: /\.log$/, times: 1, code, partialBytes: 30 })
      expect(() => log.appendAsLeader(batchOf(['lost']), client)).toThrow(LogStorageError)
      expect(log.failure).toBeUndefined()
      expect(log.appendAsLeader(batchOf(['two']), client).firstOffset).toBe(1)
      expect(await contentsOf(open())).toEqual([
        [0, 'one'],
        [1, 'two'],
      ])
    },
  )

  it('with too many files open to open one more leaves the log as it was', () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const { open, directory } = logFixture(fs)
    const openFiles = new OpenFiles(1)
    const log = open({ openFiles })
    open({ openFiles, directory: `${directory}0` }).appendAsLeader(batchOf(['of another']), client)
    const full = fs.inject({ operations: ['create', 'open'], path: /\.log$/, code: 'EMFILE' })
    expect(() => log.appendAsLeader(batchOf(['lost']), client)).toThrow(LogStorageError)
    expect(log.failure).toBeUndefined()
    full.remove()
    expect(log.appendAsLeader(batchOf(['one']), client).firstOffset).toBe(0)
  })

  it('takes the log offline when a sync fails, because nobody knows what reached the device', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const failures: unknown[] = []
    const log = logFixture(fs).open({ onFailure: (error) => failures.push(error) })
    log.appendAsLeader(batchOf(['one']), client)
    fs.inject({ operations: ['sync'], times: 1, code: 'EIO' })
    await expect(log.flush()).rejects.toThrow(LogStorageError)
    expect(failures).toHaveLength(1)
    expect(() => log.appendAsLeader(batchOf(['two']), client)).toThrow(LogStorageError)
    expect(() => log.read(0, 1, 1, true)).toThrow(LogStorageError)
  })
})
