import type { RecordBatch } from './batch.ts'
import { compressionTypeOf } from './compression.ts'
import { ErrorCode, KafkaError } from './error-codes.ts'
import { GrowingBuffer } from './growing-buffer.ts'
import {
  compressMessages,
  encodeMessage,
  type LegacyMagic,
  sizeOfMessage,
  writeMessage,
} from './message-set.ts'
import { RecordCursor } from './record-reader.ts'

export interface DownConversionLimits {
  /** Messages before it are left out where they stand alone; what is compressed stays together. */
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
 * The records of a batch as messages of an older format, with their offsets: one message for each, or one compressed
 * message with the batch's codec around all. Headers, producer and leader epoch have no place there. Nothing is left
 * of a batch without records and of control records, which those formats do not know.
 *
 * Kafka's `RecordsUtil.downConvert`. Throws KafkaError with UNSUPPORTED_COMPRESSION_TYPE for zstd, CorruptRecordError
 * where the batch does not decode.
 */
export function downConvert(
  batch: RecordBatch,
  magic: LegacyMagic,
  limits: DownConversionLimits,
): DownConverted {
  if (batch.isControl) return NOTHING
  const codec = compressionTypeOf(batch.compressionCodec)
  if (codec === 'zstd')
    throw new KafkaError(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      'Down-conversion of zstandard-compressed batches is not supported',
    )
  const { timestampType, compressionCodec } = batch
  const messages = new GrowingBuffer()
  let isWhole = true
  let firstOffset = 0
  let lastOffset = 0
  let maxTimestamp = -1
  const cursor = new RecordCursor(batch, limits.maxDecompressedBytes)
  while (cursor.advance()) {
    const { offset, timestamp, key, value } = cursor
    if (compressionCodec === 0 && offset < limits.fromOffset) continue
    const isFirst = messages.length === 0
    if (isFirst) firstOffset = offset
    // Format 1 counts from the first message of the wrapper, format 0 does not.
    const writtenOffset = compressionCodec !== 0 && magic === 1 ? offset - firstOffset : offset
    const message = { offset: writtenOffset, timestamp, timestampType, key, value }
    const size = sizeOfMessage(magic, message)
    if (compressionCodec === 0 && !isFirst && messages.length + size > limits.maxBytes) {
      isWhole = false
      break
    }
    const target = messages.reserve(size)
    writeMessage(target.subarray(messages.length, messages.length + size), magic, message)
    messages.length += size
    lastOffset = offset
    maxTimestamp = Math.max(maxTimestamp, timestamp)
  }
  const set = messages.toBuffer()
  if (codec === undefined || codec === 'none' || set.length === 0) return { messages: set, isWhole }
  const wrapper = encodeMessage(magic, {
    offset: lastOffset,
    timestamp: maxTimestamp,
    timestampType,
    compressionCodec,
    key: null,
    value: compressMessages(codec, magic, set),
  })
  return { messages: wrapper, isWhole }
}
