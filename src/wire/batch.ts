import { crc32c } from './crc32c.ts'

/** Bytes of base offset and length, which `batchLength` does not count. */
export const LOG_OVERHEAD = 12
/** Bytes of a batch without records. */
export const RECORD_BATCH_OVERHEAD = 61
export const MAGIC_VALUE_V2 = 2

export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_PARTITION_LEADER_EPOCH = -1
export const NO_TIMESTAMP = -1

/** Bits of `attributes` that choose the codec, see compression.ts. */
export const COMPRESSION_CODEC_MASK = 0x07
export const TIMESTAMP_TYPE_MASK = 0x08
export const TRANSACTIONAL_MASK = 0x10
export const CONTROL_MASK = 0x20
export const DELETE_HORIZON_MASK = 0x40

export type TimestampType = 'CreateTime' | 'LogAppendTime'

const BASE_OFFSET_AT = 0
const BATCH_LENGTH_AT = 8
const PARTITION_LEADER_EPOCH_AT = 12
const MAGIC_AT = 16
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const BASE_TIMESTAMP_AT = 27
const MAX_TIMESTAMP_AT = 35
const PRODUCER_ID_AT = 43
const PRODUCER_EPOCH_AT = 51
const BASE_SEQUENCE_AT = 53
const RECORDS_COUNT_AT = 57

const TWO_TO_32 = 2 ** 32
const INT64_LIMIT = 2 ** 63
const INT32_MAX = 2 ** 31 - 1

/** The first byte that the CRC covers; it covers all from here to the end of the batch. */
export const CRC_COVERS_FROM = ATTRIBUTES_AT

/** Exact up to 2^53; beyond, the nearest double, so that Kafka's extremes survive a round trip. */
export function readInt64(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * TWO_TO_32 + buffer.readUInt32BE(at + 4)
}

/** Saturates at the extremes of 64 bits. `value` must be an integer. */
export function writeInt64(buffer: Buffer, value: number, at: number): void {
  if (value >= INT64_LIMIT) {
    buffer.writeInt32BE(INT32_MAX, at)
    buffer.writeUInt32BE(0xffff_ffff, at + 4)
  } else if (value <= -INT64_LIMIT) {
    buffer.writeInt32BE(-INT32_MAX - 1, at)
    buffer.writeUInt32BE(0, at + 4)
  } else {
    const high = Math.floor(value / TWO_TO_32)
    buffer.writeInt32BE(high, at)
    buffer.writeUInt32BE(value - high * TWO_TO_32, at + 4)
  }
}

// Header fields of the batch that begins at `at`. The caller has checked that 61 bytes are there (`batchFaultAt`).

export const batchBaseOffset = (buffer: Buffer, at: number): number => readInt64(buffer, at + BASE_OFFSET_AT)
/** As stored: the bytes after the length field. */
export const batchLength = (buffer: Buffer, at: number): number => buffer.readInt32BE(at + BATCH_LENGTH_AT)
export const batchSizeInBytes = (buffer: Buffer, at: number): number => LOG_OVERHEAD + batchLength(buffer, at)
export const batchPartitionLeaderEpoch = (buffer: Buffer, at: number): number =>
  buffer.readInt32BE(at + PARTITION_LEADER_EPOCH_AT)
export const batchMagic = (buffer: Buffer, at: number): number => buffer.readInt8(at + MAGIC_AT)
export const batchCrc = (buffer: Buffer, at: number): number => buffer.readUInt32BE(at + CRC_AT)
export const batchAttributes = (buffer: Buffer, at: number): number => buffer.readInt16BE(at + ATTRIBUTES_AT)
export const batchLastOffsetDelta = (buffer: Buffer, at: number): number =>
  buffer.readInt32BE(at + LAST_OFFSET_DELTA_AT)
export const batchLastOffset = (buffer: Buffer, at: number): number =>
  batchBaseOffset(buffer, at) + batchLastOffsetDelta(buffer, at)
export const batchNextOffset = (buffer: Buffer, at: number): number => batchLastOffset(buffer, at) + 1
export const batchBaseTimestamp = (buffer: Buffer, at: number): number =>
  readInt64(buffer, at + BASE_TIMESTAMP_AT)
export const batchMaxTimestamp = (buffer: Buffer, at: number): number =>
  readInt64(buffer, at + MAX_TIMESTAMP_AT)
export const batchProducerId = (buffer: Buffer, at: number): number => readInt64(buffer, at + PRODUCER_ID_AT)
export const batchProducerEpoch = (buffer: Buffer, at: number): number =>
  buffer.readInt16BE(at + PRODUCER_EPOCH_AT)
export const batchBaseSequence = (buffer: Buffer, at: number): number =>
  buffer.readInt32BE(at + BASE_SEQUENCE_AT)
export const batchRecordsCount = (buffer: Buffer, at: number): number =>
  buffer.readInt32BE(at + RECORDS_COUNT_AT)

/** Attribute bits 0-2; 5 to 7 are no codec that exists. */
export const batchCompressionCodec = (buffer: Buffer, at: number): number =>
  batchAttributes(buffer, at) & COMPRESSION_CODEC_MASK
export const batchIsTransactional = (buffer: Buffer, at: number): boolean =>
  (batchAttributes(buffer, at) & TRANSACTIONAL_MASK) !== 0
export const batchIsControl = (buffer: Buffer, at: number): boolean =>
  (batchAttributes(buffer, at) & CONTROL_MASK) !== 0

/** -1 for a batch without sequence; wraps from 2^31-1 to 0. */
export function batchLastSequence(buffer: Buffer, at: number): number {
  const baseSequence = batchBaseSequence(buffer, at)
  if (baseSequence === NO_SEQUENCE) return NO_SEQUENCE
  return incrementSequence(baseSequence, batchLastOffsetDelta(buffer, at))
}

/** Kafka's `DefaultRecordBatch.incrementSequence`: 2^31-1 is followed by 0. */
export function incrementSequence(sequence: number, increment: number): number {
  const sum = sequence + increment
  return sum > INT32_MAX ? sum - INT32_MAX - 1 : sum
}

/** Kafka's `DefaultRecordBatch.decrementSequence`: 0 is preceded by 2^31-1. */
export function decrementSequence(sequence: number, decrement: number): number {
  const difference = sequence - decrement
  return difference < 0 ? difference + INT32_MAX + 1 : difference
}

/** Every field of a batch's header but magic and CRC. */
export interface BatchHeaderFields {
  readonly baseOffset: number
  /** Of the whole batch, header included. */
  readonly sizeInBytes: number
  readonly partitionLeaderEpoch: number
  readonly attributes: number
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordsCount: number
}

/** Writes the header of the batch whose records are in place already, and the CRC over both. */
export function writeBatchHeader(buffer: Buffer, at: number, fields: BatchHeaderFields): void {
  writeInt64(buffer, fields.baseOffset, at + BASE_OFFSET_AT)
  buffer.writeInt32BE(fields.sizeInBytes - LOG_OVERHEAD, at + BATCH_LENGTH_AT)
  buffer.writeInt32BE(fields.partitionLeaderEpoch, at + PARTITION_LEADER_EPOCH_AT)
  buffer.writeInt8(MAGIC_VALUE_V2, at + MAGIC_AT)
  buffer.writeInt16BE(fields.attributes, at + ATTRIBUTES_AT)
  buffer.writeInt32BE(fields.lastOffsetDelta, at + LAST_OFFSET_DELTA_AT)
  writeInt64(buffer, fields.baseTimestamp, at + BASE_TIMESTAMP_AT)
  writeInt64(buffer, fields.maxTimestamp, at + MAX_TIMESTAMP_AT)
  writeInt64(buffer, fields.producerId, at + PRODUCER_ID_AT)
  buffer.writeInt16BE(fields.producerEpoch, at + PRODUCER_EPOCH_AT)
  buffer.writeInt32BE(fields.baseSequence, at + BASE_SEQUENCE_AT)
  buffer.writeInt32BE(fields.recordsCount, at + RECORDS_COUNT_AT)
  updateBatchCrc(buffer, at)
}

/** The CRC does not cover the base offset, so nothing else changes. */
export function setBatchBaseOffset(buffer: Buffer, at: number, baseOffset: number): void {
  writeInt64(buffer, baseOffset, at + BASE_OFFSET_AT)
}

/** The CRC does not cover the leader epoch, so nothing else changes. */
export function setBatchPartitionLeaderEpoch(buffer: Buffer, at: number, leaderEpoch: number): void {
  buffer.writeInt32BE(leaderEpoch, at + PARTITION_LEADER_EPOCH_AT)
}

/**
 * Sets the timestamp type and the maximum timestamp, and the CRC where either changed. Under LogAppendTime every
 * record of the batch has the maximum timestamp, whatever its own bytes say (`DefaultRecordBatch.setMaxTimestamp`).
 */
export function setBatchMaxTimestamp(
  buffer: Buffer,
  at: number,
  timestampType: TimestampType,
  maxTimestamp: number,
): void {
  const before = batchAttributes(buffer, at)
  const after =
    timestampType === 'LogAppendTime' ? before | TIMESTAMP_TYPE_MASK : before & ~TIMESTAMP_TYPE_MASK
  if (before === after && batchMaxTimestamp(buffer, at) === maxTimestamp) return
  buffer.writeInt16BE(after, at + ATTRIBUTES_AT)
  writeInt64(buffer, maxTimestamp, at + MAX_TIMESTAMP_AT)
  updateBatchCrc(buffer, at)
}

export function computeBatchCrc(buffer: Buffer, at: number): number {
  return crc32c(buffer.subarray(at + CRC_COVERS_FROM, at + batchSizeInBytes(buffer, at)))
}

export function updateBatchCrc(buffer: Buffer, at: number): void {
  buffer.writeUInt32BE(computeBatchCrc(buffer, at), at + CRC_AT)
}

export function batchCrcIsRight(buffer: Buffer, at: number): boolean {
  return batchCrc(buffer, at) === computeBatchCrc(buffer, at)
}

/**
 * Why there is no whole batch at a place.
 * - `too-short`: the bytes end before the batch does: a torn tail, or a cut-off fetch answer.
 * - `bad-length`: the length field is less than a batch can have; zero in a preallocated, never written tail.
 * - `bad-magic`: not format 2. 0 and 1 are the formats of Kafka before 0.11, all others are no format at all.
 */
export type BatchFault = 'too-short' | 'bad-length' | 'bad-magic'

/** The fewest bytes after the length field that any format has (`LegacyRecord.RECORD_OVERHEAD_V0`). */
const SMALLEST_LEGACY_LENGTH = 14

/**
 * Whether a whole batch of format 2 lies at `at` before `end`; undefined when it does. Looks at framing alone:
 * neither the CRC nor any other field. Checks in the order of Kafka's `ByteBufferLogInputStream`.
 */
export function batchFaultAt(
  buffer: Buffer,
  at: number,
  end: number = buffer.length,
): BatchFault | undefined {
  const remaining = end - at
  if (remaining < LOG_OVERHEAD) return 'too-short'
  const length = batchLength(buffer, at)
  if (length < SMALLEST_LEGACY_LENGTH) return 'bad-length'
  if (remaining <= MAGIC_AT) return 'too-short'
  if (batchMagic(buffer, at) !== MAGIC_VALUE_V2) return 'bad-magic'
  if (length < RECORD_BATCH_OVERHEAD - LOG_OVERHEAD) return 'bad-length'
  if (remaining < LOG_OVERHEAD + length) return 'too-short'
  return undefined
}

/**
 * A view on one record batch of format 2 inside a buffer: nothing is copied or cached, so a patch is seen at once.
 * Valid while `batchFaultAt` finds no fault at its place.
 */
export class RecordBatch {
  readonly buffer: Buffer
  /** Where the batch begins in `buffer`. */
  readonly position: number

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer
    this.position = position
  }

  get baseOffset(): number {
    return batchBaseOffset(this.buffer, this.position)
  }
  /** As stored: the bytes after the length field. */
  get batchLength(): number {
    return batchLength(this.buffer, this.position)
  }
  get sizeInBytes(): number {
    return batchSizeInBytes(this.buffer, this.position)
  }
  /** Where the next batch begins in `buffer`. */
  get end(): number {
    return this.position + this.sizeInBytes
  }
  get partitionLeaderEpoch(): number {
    return batchPartitionLeaderEpoch(this.buffer, this.position)
  }
  get magic(): number {
    return batchMagic(this.buffer, this.position)
  }
  get crc(): number {
    return batchCrc(this.buffer, this.position)
  }
  get attributes(): number {
    return batchAttributes(this.buffer, this.position)
  }
  get compressionCodec(): number {
    return batchCompressionCodec(this.buffer, this.position)
  }
  get timestampType(): TimestampType {
    return (this.attributes & TIMESTAMP_TYPE_MASK) === 0 ? 'CreateTime' : 'LogAppendTime'
  }
  get isTransactional(): boolean {
    return batchIsTransactional(this.buffer, this.position)
  }
  get isControl(): boolean {
    return batchIsControl(this.buffer, this.position)
  }
  /** Compaction has marked the tombstones of this batch: the base timestamp is when they may go (KIP-534). */
  get hasDeleteHorizon(): boolean {
    return (this.attributes & DELETE_HORIZON_MASK) !== 0
  }
  get lastOffsetDelta(): number {
    return batchLastOffsetDelta(this.buffer, this.position)
  }
  get lastOffset(): number {
    return batchLastOffset(this.buffer, this.position)
  }
  get nextOffset(): number {
    return batchNextOffset(this.buffer, this.position)
  }
  /** What the records' timestamp deltas are relative to, delete horizon or not. */
  get baseTimestamp(): number {
    return batchBaseTimestamp(this.buffer, this.position)
  }
  get maxTimestamp(): number {
    return batchMaxTimestamp(this.buffer, this.position)
  }
  /** -1 where the producer is not idempotent. */
  get producerId(): number {
    return batchProducerId(this.buffer, this.position)
  }
  get producerEpoch(): number {
    return batchProducerEpoch(this.buffer, this.position)
  }
  get baseSequence(): number {
    return batchBaseSequence(this.buffer, this.position)
  }
  /** -1 for a batch without sequence; wraps from 2^31-1 to 0. */
  get lastSequence(): number {
    return batchLastSequence(this.buffer, this.position)
  }
  /** May be less than lastOffsetDelta + 1, and 0, once a compaction took records out. */
  get recordsCount(): number {
    return batchRecordsCount(this.buffer, this.position)
  }
  get hasProducerId(): boolean {
    return this.producerId > NO_PRODUCER_ID
  }
  /** The bytes after the header, compressed where the attributes say so. A slice, not a copy. */
  get recordsPayload(): Buffer {
    return this.buffer.subarray(this.position + RECORD_BATCH_OVERHEAD, this.end)
  }
  /** The whole batch. A slice, not a copy. */
  get bytes(): Buffer {
    return this.buffer.subarray(this.position, this.end)
  }

  crcIsRight(): boolean {
    return batchCrcIsRight(this.buffer, this.position)
  }
  setBaseOffset(baseOffset: number): void {
    setBatchBaseOffset(this.buffer, this.position, baseOffset)
  }
  setPartitionLeaderEpoch(leaderEpoch: number): void {
    setBatchPartitionLeaderEpoch(this.buffer, this.position, leaderEpoch)
  }
  /** Makes it a LogAppendTime batch of that time, with the CRC that belongs to it. */
  setLogAppendTime(timestampMs: number): void {
    setBatchMaxTimestamp(this.buffer, this.position, 'LogAppendTime', timestampMs)
  }
}

/**
 * Walks the batches that follow each other in a buffer, one small view each. Stops at the end or at the first place
 * that holds no whole batch: `fault` says why and `position` where, so `position` is also the count of good bytes.
 */
export class BatchReader implements Iterable<RecordBatch> {
  readonly buffer: Buffer
  /** Where the next batch begins; the end of the last good one. */
  position: number
  /** Set once the walk met something that is not a whole batch. */
  fault: BatchFault | undefined
  readonly #end: number

  constructor(buffer: Buffer, start = 0, end: number = buffer.length) {
    this.buffer = buffer
    this.position = start
    this.#end = end
  }

  /** The next batch, or undefined at the end or at a fault. */
  next(): RecordBatch | undefined {
    if (this.position >= this.#end || this.fault !== undefined) return undefined
    this.fault = batchFaultAt(this.buffer, this.position, this.#end)
    if (this.fault !== undefined) return undefined
    const batch = new RecordBatch(this.buffer, this.position)
    this.position = batch.end
    return batch
  }

  *[Symbol.iterator](): Generator<RecordBatch, void, void> {
    for (let batch = this.next(); batch !== undefined; batch = this.next()) yield batch
  }
}
