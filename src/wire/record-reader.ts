import type { Steps } from '../base/steps.ts'
import { incrementSequence, NO_SEQUENCE, type RecordBatch } from './batch.ts'
import { type CompressionType, compressionTypeOf, decompress, decompressInSteps } from './compression.ts'
import { CorruptRecordError } from './corrupt-record-error.ts'
import type { RecordHeader } from './records.ts'

/** A decoded record. Keys and values are slices of the batch, or of what it decompressed to. */
export interface LogRecord {
  readonly offset: number
  /** The batch's maximum under LogAppendTime, the record's own otherwise. */
  readonly timestamp: number
  /** -1 where the batch has none. */
  readonly sequence: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

/**
 * Walks the records of one batch without an object per record: `advance()` moves to the next one, the fields and
 * getters then tell about it. Each record is checked as Kafka's `DefaultRecord.readFrom` does before anything of it
 * can be seen, and its offset must lie above that of the record before and within the batch.
 *
 * Needs a batch that `batchFaultAt` found whole. Does not compare the CRC. Never decompresses to more than
 * `maxDecompressedBytes`. Everything that is wrong is thrown as CorruptRecordError.
 */
export class RecordCursor {
  readonly batch: RecordBatch
  offsetDelta = -1
  /** Relative to the batch's base timestamp. */
  timestampDelta = 0

  readonly #bytes: Buffer
  readonly #count: number
  readonly #baseOffset: number
  readonly #lastOffsetDelta: number
  readonly #baseTimestamp: number
  /** Under LogAppendTime, the time of all records. */
  readonly #logAppendTime: number | undefined
  #passed = 0
  #at = 0
  #recordAt = 0
  #keyAt = 0
  #keyLength = -1
  #valueAt = 0
  #valueLength = -1
  #headersAt = 0
  #headersCount = 0

  /** As the constructor, which decompresses at once. */
  static *inSteps(batch: RecordBatch, maxDecompressedBytes: number): Steps<RecordCursor> {
    const { recordsPayload } = batch
    const payload =
      recordsPayload.length === 0
        ? recordsPayload
        : yield* decompressInSteps(codecOf(batch), recordsPayload, maxDecompressedBytes)
    return new RecordCursor(batch, maxDecompressedBytes, payload)
  }

  /** `decompressed`: the records of the batch, where they are at hand. */
  constructor(batch: RecordBatch, maxDecompressedBytes: number, decompressed?: Buffer) {
    this.batch = batch
    const compression = codecOf(batch)
    this.#count = batch.recordsCount
    if (this.#count < 0) throw new CorruptRecordError(`a count of ${this.#count} records`)
    this.#baseOffset = batch.baseOffset
    this.#lastOffsetDelta = batch.lastOffsetDelta
    this.#baseTimestamp = batch.baseTimestamp
    this.#logAppendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined
    const payload = batch.recordsPayload
    // Compaction keeps batches without records, and some writers keep the codec's bit on them.
    this.#bytes =
      decompressed ??
      (payload.length === 0 ? payload : decompress(compression, payload, maxDecompressedBytes))
  }

  /** Moves to the next record; false after the last one, once the end of the batch was found to be there too. */
  advance(): boolean {
    const bytes = this.#bytes
    if (this.#passed === this.#count) {
      if (this.#at !== bytes.length)
        throw this.#corrupt(`${bytes.length - this.#at} bytes after the last record`)
      return false
    }
    if (this.#at === bytes.length)
      throw this.#corrupt(`${this.#passed} records where ${this.#count} were declared`)
    this.#recordAt = this.#at
    const size = this.#readVarint(bytes.length)
    if (size < 0 || size > bytes.length - this.#at)
      throw this.#corrupt(`a record of ${size} bytes, ${bytes.length - this.#at} left`)
    this.#readBody(this.#at + size)
    this.#passed++
    return true
  }

  get offset(): number {
    return this.#baseOffset + this.offsetDelta
  }
  get timestamp(): number {
    return this.#logAppendTime ?? this.#baseTimestamp + this.timestampDelta
  }
  get sequence(): number {
    const base = this.batch.baseSequence
    return base < 0 ? NO_SEQUENCE : incrementSequence(base, this.offsetDelta)
  }
  /** A tombstone where it is false and there is a key. */
  get hasValue(): boolean {
    return this.#valueLength >= 0
  }
  get hasKey(): boolean {
    return this.#keyLength >= 0
  }
  /** A slice, not a copy. */
  get key(): Buffer | null {
    return this.#slice(this.#keyAt, this.#keyLength)
  }
  /** A slice, not a copy. */
  get value(): Buffer | null {
    return this.#slice(this.#valueAt, this.#valueLength)
  }
  /** Where the key begins in `payload`; for who looks at keys without making a slice of each. */
  get keyStart(): number {
    return this.#keyAt
  }
  /** -1 where there is no key. */
  get keyLength(): number {
    return this.#keyLength
  }
  /** All records as encoded, decompressed. */
  get payload(): Buffer {
    return this.#bytes
  }
  /** Where the record begins in `payload`, with its length in front, and where it ends. */
  get start(): number {
    return this.#recordAt
  }
  get end(): number {
    return this.#at
  }
  /** The record as encoded, with its length in front; what `assembleBatch` takes. A slice, not a copy. */
  get bytes(): Buffer {
    return this.#bytes.subarray(this.#recordAt, this.#at)
  }

  headers(): RecordHeader[] {
    const headers: RecordHeader[] = []
    const after = this.#at
    this.#at = this.#headersAt
    for (let index = 0; index < this.#headersCount; index++) {
      const keyLength = this.#readVarint(after)
      const key = this.#bytes.toString('utf8', this.#at, this.#at + keyLength)
      this.#at += keyLength
      const valueLength = this.#readVarint(after)
      headers.push({ key, value: this.#slice(this.#at, valueLength) })
      this.#at += Math.max(0, valueLength)
    }
    this.#at = after
    return headers
  }

  /** A copy of what the cursor stands on, which stays valid when the cursor moves. Key and value are slices. */
  record(): LogRecord {
    return {
      offset: this.offset,
      timestamp: this.timestamp,
      sequence: this.sequence,
      key: this.key,
      value: this.value,
      headers: this.headers(),
    }
  }

  #readBody(end: number): void {
    // The attributes byte has no meaning yet; whatever it holds is passed over.
    if (this.#at >= end) throw this.#corrupt('a record without a body')
    this.#at++
    this.timestampDelta = this.#readVarlong(end)
    const offsetDelta = this.#readVarint(end)
    const lowest = this.#passed === 0 ? 0 : this.offsetDelta + 1
    if (offsetDelta < lowest || offsetDelta > this.#lastOffsetDelta)
      throw this.#corrupt(`offset delta ${offsetDelta}, not in ${lowest}..${this.#lastOffsetDelta}`)
    this.offsetDelta = offsetDelta
    this.#keyLength = this.#readVarint(end)
    this.#keyAt = this.#at
    this.#skip(this.#keyLength, end, 'key')
    this.#valueLength = this.#readVarint(end)
    this.#valueAt = this.#at
    this.#skip(this.#valueLength, end, 'value')
    this.#headersCount = this.#readVarint(end)
    this.#headersAt = this.#at
    if (this.#headersCount < 0 || this.#headersCount > end - this.#at)
      throw this.#corrupt(`a count of ${this.#headersCount} headers`)
    for (let index = 0; index < this.#headersCount; index++) {
      const keyLength = this.#readVarint(end)
      if (keyLength < 0) throw this.#corrupt(`a header key of ${keyLength} bytes`)
      this.#skip(keyLength, end, 'header key')
      this.#skip(this.#readVarint(end), end, 'header value')
    }
    if (this.#at !== end) throw this.#corrupt(`${end - this.#at} bytes after the headers of a record`)
  }

  /** A negative length is a null and takes no bytes. */
  #skip(length: number, end: number, what: string): void {
    if (length > end - this.#at) throw this.#corrupt(`a ${what} of ${length} bytes, ${end - this.#at} left`)
    if (length > 0) this.#at += length
  }

  #slice(at: number, length: number): Buffer | null {
    return length < 0 ? null : this.#bytes.subarray(at, at + length)
  }

  #readVarint(end: number): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.#at >= end) throw this.#corrupt('a record that ends inside a number')
      const byte = this.#bytes[this.#at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw this.#corrupt('a number of more than five bytes')
  }

  /** Exact within 2^53, else the nearest double: the sign is in the lowest bit and must not be rounded away. */
  #readVarlong(end: number): number {
    let isNegative = false
    let magnitude = 0
    for (let index = 0; index < 10; index++) {
      if (this.#at >= end) throw this.#corrupt('a record that ends inside a number')
      const byte = this.#bytes[this.#at++]!
      if (index === 0) {
        isNegative = (byte & 1) !== 0
        magnitude = (byte & 0x7f) >>> 1
      } else {
        // Of the tenth byte only one bit is left of the 64.
        magnitude += (index === 9 ? byte & 1 : byte & 0x7f) * 2 ** (7 * index - 1)
      }
      if (byte < 0x80) return isNegative ? -magnitude - 1 : magnitude
    }
    throw this.#corrupt('a number of more than ten bytes')
  }

  #corrupt(what: string): CorruptRecordError {
    return new CorruptRecordError(`batch at offset ${this.#baseOffset}, record ${this.#passed}: ${what}`)
  }
}

function codecOf(batch: RecordBatch): CompressionType {
  const compression = compressionTypeOf(batch.compressionCodec)
  if (compression === undefined) throw new CorruptRecordError(`unknown codec ${batch.compressionCodec}`)
  return compression
}

/** The records of a batch one by one; throws CorruptRecordError where one is wrong, as RecordCursor does. */
export function* readRecords(
  batch: RecordBatch,
  maxDecompressedBytes: number,
): Generator<LogRecord, void, void> {
  const cursor = new RecordCursor(batch, maxDecompressedBytes)
  while (cursor.advance()) yield cursor.record()
}
