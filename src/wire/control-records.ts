import { NO_SEQUENCE, type RecordBatch } from './batch.ts'
import { CorruptRecordError } from './corrupt-record-error.ts'
import { RecordCursor } from './record-reader.ts'
import { encodeBatch } from './records.ts'

/** The `type` in the key of a control record (`ControlRecordType`). */
export const ControlRecordType = {
  ABORT: 0,
  COMMIT: 1,
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const

const KEY_VERSION = 0
const KEY_BYTES = 4
const MARKER_VERSION = 0
const MARKER_BYTES = 6
/** A control batch holds one record of a few bytes and is never compressed. */
const MAX_CONTROL_BATCH_BYTES = 64 * 1024

export interface ControlRecordKey {
  readonly version: number
  /** One of ControlRecordType, or a number that this version knows nothing of. */
  readonly type: number
}

/** The marker that ends a transaction in a partition. */
export interface EndTxnMarker {
  readonly type: 'ABORT' | 'COMMIT'
  readonly coordinatorEpoch: number
}

export function encodeControlRecordKey(type: number): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES)
  key.writeInt16BE(KEY_VERSION, 0)
  key.writeInt16BE(type, 2)
  return key
}

/** Of a newer version, what comes after the type is ignored, as Kafka does. */
export function decodeControlRecordKey(key: Buffer | null): ControlRecordKey {
  if (key === null || key.length < KEY_BYTES)
    throw new CorruptRecordError(`a control record's key of ${key?.length ?? 'no'} bytes`)
  const version = key.readInt16BE(0)
  if (version < KEY_VERSION) throw new CorruptRecordError(`a control record's key of version ${version}`)
  return { version, type: key.readInt16BE(2) }
}

export function encodeEndTxnMarkerValue(coordinatorEpoch: number): Buffer {
  const value = Buffer.allocUnsafe(MARKER_BYTES)
  value.writeInt16BE(MARKER_VERSION, 0)
  value.writeInt32BE(coordinatorEpoch, 2)
  return value
}

/** The coordinator epoch in the value of an ABORT or COMMIT record. */
export function decodeEndTxnMarkerValue(value: Buffer | null): number {
  if (value === null || value.length < MARKER_BYTES)
    throw new CorruptRecordError(`an end-of-transaction marker of ${value?.length ?? 'no'} bytes`)
  const version = value.readInt16BE(0)
  if (version < MARKER_VERSION)
    throw new CorruptRecordError(`an end-of-transaction marker of version ${version}`)
  return value.readInt32BE(2)
}

export interface EndTxnMarkerBatchInput {
  readonly marker: EndTxnMarker
  readonly producerId: number
  readonly producerEpoch: number
  readonly timestamp: number
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
}

/** The control batch that ends a transaction (`MemoryRecords.withEndTransactionMarker`). */
export function encodeEndTxnMarkerBatch(input: EndTxnMarkerBatchInput): Buffer {
  return encodeBatch({
    baseOffset: input.baseOffset ?? 0,
    ...(input.partitionLeaderEpoch === undefined ? {} : { partitionLeaderEpoch: input.partitionLeaderEpoch }),
    baseTimestamp: input.timestamp,
    producerId: input.producerId,
    producerEpoch: input.producerEpoch,
    baseSequence: NO_SEQUENCE,
    isTransactional: true,
    isControl: true,
    records: [
      {
        key: encodeControlRecordKey(ControlRecordType[input.marker.type]),
        value: encodeEndTxnMarkerValue(input.marker.coordinatorEpoch),
      },
    ],
  })
}

/** The marker in a control batch, or undefined where the batch holds a control record of another kind, or none. */
export function readEndTxnMarker(batch: RecordBatch): EndTxnMarker | undefined {
  const cursor = new RecordCursor(batch, MAX_CONTROL_BATCH_BYTES)
  if (!cursor.advance()) return undefined
  const { type } = decodeControlRecordKey(cursor.key)
  if (type !== ControlRecordType.ABORT && type !== ControlRecordType.COMMIT) return undefined
  return {
    type: type === ControlRecordType.COMMIT ? 'COMMIT' : 'ABORT',
    coordinatorEpoch: decodeEndTxnMarkerValue(cursor.value),
  }
}
