import { runAtOnce, type Steps } from '../base/steps.ts'
import {
  CONTROL_MASK,
  DELETE_HORIZON_MASK,
  NO_PARTITION_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  RECORD_BATCH_OVERHEAD,
  TIMESTAMP_TYPE_MASK,
  type TimestampType,
  TRANSACTIONAL_MASK,
  writeBatchHeader,
} from './batch.ts'
import { type CompressionType, compressInSteps, compressionCodecOf } from './compression.ts'
import { GrowingBuffer } from './growing-buffer.ts'
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './record-varint.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

/** A record to write. */
export interface RecordInput {
  readonly key?: Uint8Array | null
  readonly value?: Uint8Array | null
  readonly headers?: readonly RecordHeader[]
  /** Milliseconds after the batch's base timestamp; 0 unless given. */
  readonly timestampDelta?: number
  /** Offsets after the batch's base offset; the index of the record unless given. */
  readonly offsetDelta?: number
}

/** All of a batch's header but what follows from its records. Each has the value that Kafka uses for "none". */
export interface BatchHeaderInput {
  readonly baseOffset?: number
  readonly partitionLeaderEpoch?: number
  readonly compression?: CompressionType
  /** On the codec's own scale; its default unless given. */
  readonly compressionLevel?: number
  readonly timestampType?: TimestampType
  /** 0 unless given. */
  readonly baseTimestamp?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  /** `baseTimestamp` is then the time from which the tombstones may go. */
  readonly hasDeleteHorizon?: boolean
}

export interface BatchInput extends BatchHeaderInput {
  readonly records: readonly RecordInput[]
  /**
   * The largest timestamp of the records unless given, -1 where there are none. With LogAppendTime it is the time of
   * all records and has to be given.
   */
  readonly maxTimestamp?: number
  /** That of the last record unless given; a compacted batch keeps what it had. */
  readonly lastOffsetDelta?: number
}

/** Builds a whole batch with a right CRC. */
export function encodeBatch(input: BatchInput): Buffer {
  const { records } = input
  const baseTimestamp = input.baseTimestamp ?? 0
  let size = 0
  let maxTimestamp = NO_TIMESTAMP
  let lastOffsetDelta = records.length - 1
  for (const [index, record] of records.entries()) {
    const bodySize = sizeOfRecordBody(record, index)
    size += sizeOfVarint(bodySize) + bodySize
    maxTimestamp = Math.max(maxTimestamp, baseTimestamp + (record.timestampDelta ?? 0))
    lastOffsetDelta = record.offsetDelta ?? index
  }
  const payload = Buffer.allocUnsafe(size)
  let at = 0
  for (const [index, record] of records.entries()) at = writeRecord(payload, record, index, at)
  return assembleBatch(input, payload, {
    recordsCount: records.length,
    lastOffsetDelta: input.lastOffsetDelta ?? lastOffsetDelta,
    maxTimestamp: input.maxTimestamp ?? maxTimestamp,
  })
}

/** Encodes records one by one, for `assembleBatch`; their offsets follow each other. */
export class RecordsBuilder {
  readonly #bytes = new GrowingBuffer()
  count = 0

  get sizeInBytes(): number {
    return this.#bytes.length
  }

  append(record: RecordInput): void {
    const bodySize = sizeOfRecordBody(record, this.count)
    const target = this.#bytes.reserve(sizeOfVarint(bodySize) + bodySize)
    this.#bytes.length = writeRecord(target, record, this.count++, this.#bytes.length)
  }

  /** Once all are appended. */
  toBuffer(): Buffer {
    return this.#bytes.toBuffer()
  }
}

/** What a batch's header says about its records. */
export interface BatchSummary {
  readonly recordsCount: number
  readonly lastOffsetDelta: number
  readonly maxTimestamp: number
}

/** Builds a whole batch around records that are encoded already; they are compressed here if at all. */
export function assembleBatch(header: BatchHeaderInput, records: Buffer, summary: BatchSummary): Buffer {
  return runAtOnce(assembleBatchInSteps(header, records, summary))
}

/** As `assembleBatch`. */
export function* assembleBatchInSteps(
  header: BatchHeaderInput,
  records: Buffer,
  summary: BatchSummary,
): Steps<Buffer> {
  const compression = header.compression ?? 'none'
  const payload = yield* compressInSteps(compression, records, header.compressionLevel)
  const batch = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD + payload.length)
  payload.copy(batch, RECORD_BATCH_OVERHEAD)
  writeBatchHeader(batch, 0, {
    baseOffset: header.baseOffset ?? 0,
    sizeInBytes: batch.length,
    partitionLeaderEpoch: header.partitionLeaderEpoch ?? NO_PARTITION_LEADER_EPOCH,
    attributes:
      compressionCodecOf(compression) |
      (header.timestampType === 'LogAppendTime' ? TIMESTAMP_TYPE_MASK : 0) |
      (header.isTransactional ? TRANSACTIONAL_MASK : 0) |
      (header.isControl ? CONTROL_MASK : 0) |
      (header.hasDeleteHorizon ? DELETE_HORIZON_MASK : 0),
    lastOffsetDelta: summary.lastOffsetDelta,
    baseTimestamp: header.baseTimestamp ?? 0,
    maxTimestamp: summary.maxTimestamp,
    producerId: header.producerId ?? NO_PRODUCER_ID,
    producerEpoch: header.producerEpoch ?? NO_PRODUCER_EPOCH,
    baseSequence: header.baseSequence ?? NO_SEQUENCE,
    recordsCount: summary.recordsCount,
  })
  return batch
}

function sizeOfRecordBody(record: RecordInput, index: number): number {
  let size =
    1 +
    sizeOfVarlong(record.timestampDelta ?? 0) +
    sizeOfVarint(record.offsetDelta ?? index) +
    sizeOfBytes(record.key) +
    sizeOfBytes(record.value) +
    sizeOfVarint(record.headers?.length ?? 0)
  for (const header of record.headers ?? []) {
    const keyLength = Buffer.byteLength(header.key)
    size += sizeOfVarint(keyLength) + keyLength + sizeOfBytes(header.value)
  }
  return size
}

function sizeOfBytes(bytes: Uint8Array | null | undefined): number {
  return bytes == null ? 1 : sizeOfVarint(bytes.length) + bytes.length
}

function writeRecord(target: Buffer, record: RecordInput, index: number, start: number): number {
  let at = writeVarint(target, sizeOfRecordBody(record, index), start)
  target[at++] = 0
  at = writeVarlong(target, record.timestampDelta ?? 0, at)
  at = writeVarint(target, record.offsetDelta ?? index, at)
  at = writeBytes(target, record.key, at)
  at = writeBytes(target, record.value, at)
  at = writeVarint(target, record.headers?.length ?? 0, at)
  for (const header of record.headers ?? []) {
    at = writeVarint(target, Buffer.byteLength(header.key), at)
    at += target.write(header.key, at)
    at = writeBytes(target, header.value, at)
  }
  return at
}

function writeBytes(target: Buffer, bytes: Uint8Array | null | undefined, start: number): number {
  if (bytes == null) return writeVarint(target, -1, start)
  const at = writeVarint(target, bytes.length, start)
  target.set(bytes, at)
  return at + bytes.length
}
