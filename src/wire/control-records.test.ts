import { expect, test } from 'vitest'
import { RecordBatch } from './batch.ts'
import {
  ControlRecordType,
  decodeControlRecordKey,
  decodeEndTxnMarkerValue,
  encodeControlRecordKey,
  encodeEndTxnMarkerBatch,
  readEndTxnMarker,
} from './control-records.ts'
import { CorruptRecordError } from './corrupt-record-error.ts'
import { encodeBatch } from './records.ts'

test.each(['ABORT', 'COMMIT'] as const)('an end-of-transaction marker comes back (%s)', (type) => {
  const marker = { type, coordinatorEpoch: 12 }
  const batch = new RecordBatch(
    encodeEndTxnMarkerBatch({ marker, producerId: 7, producerEpoch: 2, timestamp: 99 }),
  )
  expect(readEndTxnMarker(batch)).toEqual(marker)
  expect([
    batch.isControl,
    batch.isTransactional,
    batch.producerId,
    batch.producerEpoch,
    batch.baseSequence,
  ]).toEqual([true, true, 7, 2, -1])
  expect([batch.maxTimestamp, batch.partitionLeaderEpoch, batch.crcIsRight()]).toEqual([99, -1, true])
})

test('control records of another kind, and batches that lost theirs to compaction, hold no marker', () => {
  const key = encodeControlRecordKey(ControlRecordType.LEADER_CHANGE)
  expect(
    readEndTxnMarker(new RecordBatch(encodeBatch({ isControl: true, records: [{ key }] }))),
  ).toBeUndefined()
  expect(readEndTxnMarker(new RecordBatch(encodeBatch({ isControl: true, records: [] })))).toBeUndefined()
})

test('of a newer version, what comes after the known fields is ignored', () => {
  expect(decodeControlRecordKey(Buffer.from([0, 1, 0, 9, 5, 5]))).toEqual({ version: 1, type: 9 })
  expect(decodeEndTxnMarkerValue(Buffer.from([0, 1, 0, 0, 0, 3, 9]))).toBe(3)
})

test('keys and values that are missing, too short or of a negative version are refused', () => {
  for (const bytes of [null, Buffer.alloc(3), Buffer.from([0xff, 0xff, 0, 0, 0, 0])]) {
    expect(() => decodeControlRecordKey(bytes)).toThrow(CorruptRecordError)
    expect(() => decodeEndTxnMarkerValue(bytes)).toThrow(CorruptRecordError)
  }
})
