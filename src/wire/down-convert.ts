import type { Steps } from '../base/steps.ts'
import type { RecordBatch } from './batch.ts'
import { type CompressionType, compressionTypeOf } from './compression.ts'
import { ErrorCode, KafkaError } from './error-codes.ts'
import { GrowingBuffer } from './growing-buffer.ts'
import {
  compressMessagesInSteps,
  encodeMessage,
  type LegacyMagic,
  type LegacyMessageInput,
  sizeOfMessage,
  writeMessage,
} from './message-set.ts'
import { RecordCursor } from './record-reader.ts'

/** A batch that holds more messages is written as several compressed ones, each about as large as this inside. */
const WRAPPER_BYTES = 1024 * 1024
/** Well below a millisecond. */
const RECORDS_PER_STEP = 256

export interface DownConversionLimits {
  /** Messages before it are left out where they stand alone; of what is compressed, what ends before it. */
  readonly fromOffset: number
  /** No message is added that would go beyond it, but the first. */
  readonly maxBytes: number
  readonly maxDecompressedBytes: number
}

export interface DownConverted {
  readonly messages: Buffer
  /** False where `maxBytes` kept the last records out. */
  readonly isWhole: boolean
}

const NOTHING: DownConverted = { messages: Buffer.alloc(0), isWhole: true }

/**
 * The records of a batch as messages of an older format, with their offsets: one message for each, or compressed
 * messages with the batch's codec around them. Headers, producer and leader epoch have no place there. Nothing is left
 * of a batch without records and of control records, which those formats do not know.
 *
 * Kafka's `RecordsUtil.downConvert`, in steps: a batch may hold millions of records. Throws KafkaError with
 * UNSUPPORTED_COMPRESSION_TYPE for zstd, CorruptRecordError where the batch does not decode.
 */
export function* downConvert(
  batch: RecordBatch,
  magic: LegacyMagic,
  limits: DownConversionLimits,
): Steps<DownConverted> {
  if (batch.isControl) return NOTHING
  const codec = compressionTypeOf(batch.compressionCodec)
  if (codec === 'zstd')
    throw new KafkaError(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      'Down-conversion of zstandard-compressed batches is not supported',
    )
  const cursor = yield* RecordCursor.inSteps(batch, limits.maxDecompressedBytes)
  if (codec === undefined || codec === 'none') return yield* convertSingly(cursor, magic, limits)
  return yield* convertCompressed(cursor, magic, codec, limits)
}

function* convertSingly(
  cursor: RecordCursor,
  magic: LegacyMagic,
  limits: DownConversionLimits,
): Steps<DownConverted> {
  const { timestampType } = cursor.batch
  const messages = new GrowingBuffer()
  for (let records = 0; cursor.advance(); records++) {
    if (records % RECORDS_PER_STEP === 0) yield
    const { offset, timestamp, key, value } = cursor
    if (offset < limits.fromOffset) continue
    const message = { offset, timestamp, timestampType, key, value }
    if (messages.length > 0 && messages.length + sizeOfMessage(magic, message) > limits.maxBytes)
      return { messages: messages.toBuffer(), isWhole: false }
    appendMessage(messages, magic, message)
  }
  return { messages: messages.toBuffer(), isWhole: true }
}

function* convertCompressed(
  cursor: RecordCursor,
  magic: LegacyMagic,
  codec: CompressionType,
  limits: DownConversionLimits,
): Steps<DownConverted> {
  const { timestampType, compressionCodec } = cursor.batch
  const wrappers: Buffer[] = []
  let size = 0
  let hasMore = cursor.advance()
  while (hasMore) {
    const set = new GrowingBuffer()
    const firstOffset = cursor.offset
    let lastOffset = firstOffset
    let maxTimestamp = -1
    for (let records = 0; hasMore && set.length < WRAPPER_BYTES; records++) {
      if (records % RECORDS_PER_STEP === 0) yield
      const { offset, timestamp, key, value } = cursor
      // Format 1 counts from the first message of the wrapper, format 0 does not.
      const writtenOffset = magic === 1 ? offset - firstOffset : offset
      appendMessage(set, magic, { offset: writtenOffset, timestamp, timestampType, key, value })
      lastOffset = offset
      maxTimestamp = Math.max(maxTimestamp, timestamp)
      hasMore = cursor.advance()
    }
    if (lastOffset < limits.fromOffset) continue
    const wrapper = encodeMessage(magic, {
      offset: lastOffset,
      timestamp: maxTimestamp,
      timestampType,
      compressionCodec,
      key: null,
      value: yield* compressMessagesInSteps(codec, magic, set.toBuffer()),
    })
    if (size > 0 && size + wrapper.length > limits.maxBytes)
      return { messages: Buffer.concat(wrappers, size), isWhole: false }
    wrappers.push(wrapper)
    size += wrapper.length
    yield
  }
  return { messages: Buffer.concat(wrappers, size), isWhole: true }
}

function appendMessage(set: GrowingBuffer, magic: LegacyMagic, message: LegacyMessageInput): void {
  const size = sizeOfMessage(magic, message)
  const target = set.reserve(size)
  writeMessage(target.subarray(set.length, set.length + size), magic, message)
  set.length += size
}
