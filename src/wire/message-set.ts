import { crc32 } from 'node:zlib'
import { runAtOnce, type Steps } from '../base/steps.ts'
import {
  COMPRESSION_CODEC_MASK,
  LOG_OVERHEAD,
  NO_TIMESTAMP,
  readInt64,
  TIMESTAMP_TYPE_MASK,
  type TimestampType,
  writeInt64,
} from './batch.ts'
import { type CompressionType, compressInSteps, compressionTypeOf, decompressInSteps } from './compression.ts'
import { CorruptRecordError } from './corrupt-record-error.ts'
import { compressLz4Frame, decompressLz4Frame } from './lz4-frame.ts'

// The message formats of Kafka before 0.11: 0, and 1, which has timestamps (KIP-32) and, inside of compressed
// messages, relative offsets (KIP-31). A message set is messages one after the other. A compressed message, the
// wrapper, has a message set as its value and the offset of the last message in it.

export type LegacyMagic = 0 | 1

const OFFSET_AT = 0
const LENGTH_AT = 8
const CRC_AT = 12
const MAGIC_AT = 16
const ATTRIBUTES_AT = 17
const TIMESTAMP_AT = 18
/** Where the key's length stands, by format. */
const KEY_LENGTH_AT = { 0: 18, 1: 26 } as const
/** The fewest bytes after the length field: those of a message of format 0 without key and value. */
const SMALLEST_LENGTH = 14

/** A message, parsed. Key and value are slices of the message set, or of what it decompressed to. */
export interface LegacyMessage {
  /** Of a wrapper that of the last message in it. */
  readonly offset: number
  readonly magic: LegacyMagic
  /** With a wrong CRC nothing but the size is known: key and value are null then. */
  readonly crcIsRight: boolean
  readonly crc: number
  /** Attribute bits 0-2. */
  readonly compressionCodec: number
  readonly timestampType: TimestampType
  /** -1 in format 0. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** With offset and length. */
  readonly sizeInBytes: number
}

/** What to write as a message. */
export interface LegacyMessageInput {
  readonly offset: number
  /** Written in format 1 alone. */
  readonly timestamp: number
  readonly timestampType: TimestampType
  readonly compressionCodec?: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

/** The format of what begins at `at`; undefined where the bytes end before they say. */
export function magicAt(buffer: Buffer, at: number): number | undefined {
  return buffer.length - at > MAGIC_AT ? buffer.readInt8(at + MAGIC_AT) : undefined
}

/**
 * Why there is no whole message at a place; undefined where there is one. Checks in the order of Kafka's
 * `ByteBufferLogInputStream`.
 */
export function messageFaultAt(
  buffer: Buffer,
  at: number,
): 'too-short' | 'bad-length' | 'bad-magic' | undefined {
  const remaining = buffer.length - at
  if (remaining < LOG_OVERHEAD) return 'too-short'
  const length = buffer.readInt32BE(at + LENGTH_AT)
  if (length < SMALLEST_LENGTH) return 'bad-length'
  if (remaining <= MAGIC_AT) return 'too-short'
  const magic = buffer.readInt8(at + MAGIC_AT)
  if (magic !== 0 && magic !== 1) return 'bad-magic'
  return remaining < LOG_OVERHEAD + length ? 'too-short' : undefined
}

/** Needs a place where `messageFaultAt` found no fault. Throws CorruptRecordError where key or value reach too far. */
export function readMessage(buffer: Buffer, at: number): LegacyMessage {
  const sizeInBytes = LOG_OVERHEAD + buffer.readInt32BE(at + LENGTH_AT)
  const bytes = buffer.subarray(at, at + sizeInBytes)
  const offset = readInt64(bytes, OFFSET_AT)
  // The caller has looked at the magic.
  const magic = bytes.readInt8(MAGIC_AT) as LegacyMagic
  const crc = bytes.readUInt32BE(CRC_AT)
  const crcIsRight = crc === crc32(bytes.subarray(MAGIC_AT))
  const attributes = bytes.readInt8(ATTRIBUTES_AT)
  const facts = {
    offset,
    magic,
    crc,
    crcIsRight,
    compressionCodec: attributes & COMPRESSION_CODEC_MASK,
    timestampType:
      magic === 1 && (attributes & TIMESTAMP_TYPE_MASK) !== 0
        ? ('LogAppendTime' as const)
        : ('CreateTime' as const),
    sizeInBytes,
  }
  if (!crcIsRight) return { ...facts, timestamp: NO_TIMESTAMP, key: null, value: null }
  const keyLengthAt = KEY_LENGTH_AT[magic]
  const key = readField(bytes, keyLengthAt, offset)
  const value = readField(bytes, keyLengthAt + 4 + (key?.length ?? 0), offset)
  const timestamp = magic === 0 ? NO_TIMESTAMP : readInt64(bytes, TIMESTAMP_AT)
  return { ...facts, timestamp, key, value }
}

function readField(bytes: Buffer, at: number, offset: number): Buffer | null {
  if (bytes.length - at < 4) throw new CorruptRecordError(`message ${offset} ends inside a length`)
  const length = bytes.readInt32BE(at)
  if (length < 0) return null
  const left = bytes.length - at - 4
  if (length > left)
    throw new CorruptRecordError(`message ${offset}: a field of ${length} bytes, ${left} left`)
  return bytes.subarray(at + 4, at + 4 + length)
}

/**
 * What the value of a wrapper decompresses to, for `messagesInside`. Throws CorruptRecordError where it is no wrapper or
 * holds more than `maxDecompressedBytes`.
 */
export function* decompressWrapper(wrapper: LegacyMessage, maxDecompressedBytes: number): Steps<Buffer> {
  const codec = compressionTypeOf(wrapper.compressionCodec)
  if (codec === undefined || codec === 'none' || codec === 'zstd')
    throw new CorruptRecordError(`a compressed message of format ${wrapper.magic} with codec ${codec}`)
  if (wrapper.value === null) throw new CorruptRecordError('a compressed message without a value')
  return codec === 'lz4' && wrapper.magic === 0
    ? yield* decompressLz4Frame(wrapper.value, maxDecompressedBytes, 'kafka-0.8')
    : yield* decompressInSteps(codec, wrapper.value, maxDecompressedBytes)
}

/**
 * The messages in a wrapper, one by one, so that memory holds no more than what it decompresses to. Their offsets are
 * those that stand there: in format 1 they count from the first message of the wrapper. Under LogAppendTime all have
 * the wrapper's time. What is cut off at the end is left out. Kafka's `AbstractLegacyRecordBatch.DeepRecordsIterator`.
 *
 * Throws CorruptRecordError where one is broken; at the end also where there was no message, or one beyond the
 * wrapper's own offset, unless that is 0, as some librdkafka sent it.
 */
export function* messagesInside(wrapper: LegacyMessage, inner: Buffer): Generator<LegacyMessage, void, void> {
  const isLogAppendTime = wrapper.timestampType === 'LogAppendTime'
  let lastOffset: number | undefined
  for (let at = 0; at < inner.length; ) {
    const fault = messageFaultAt(inner, at)
    if (fault === 'too-short') break
    if (fault !== undefined) throw new CorruptRecordError(`a message inside a compressed one has a ${fault}`)
    const message = readMessage(inner, at)
    if (message.compressionCodec !== 0) throw new CorruptRecordError('Inner messages must not be compressed')
    yield isLogAppendTime && message.magic === 1 ? { ...message, timestamp: wrapper.timestamp } : message
    lastOffset = message.offset
    at += message.sizeInBytes
  }
  if (lastOffset === undefined) throw new CorruptRecordError('a compressed message with no messages in it')
  if (wrapper.magic === 1 && wrapper.offset !== 0 && wrapper.offset < lastOffset)
    throw new CorruptRecordError(`offset ${lastOffset} in a compressed message of offset ${wrapper.offset}`)
}

/** As `messagesInside`, decompressed at once. */
export function messagesIn(
  wrapper: LegacyMessage,
  maxDecompressedBytes: number,
): Generator<LegacyMessage, void, void> {
  return messagesInside(wrapper, runAtOnce(decompressWrapper(wrapper, maxDecompressedBytes)))
}

/** Bytes of the whole message. */
export function sizeOfMessage(magic: LegacyMagic, { key, value }: LegacyMessageInput): number {
  return KEY_LENGTH_AT[magic] + 8 + (key?.length ?? 0) + (value?.length ?? 0)
}

/** One message, whole. */
export function encodeMessage(magic: LegacyMagic, message: LegacyMessageInput): Buffer {
  const bytes = Buffer.allocUnsafe(sizeOfMessage(magic, message))
  writeMessage(bytes, magic, message)
  return bytes
}

/** Writes one message into bytes of exactly its size. */
export function writeMessage(bytes: Buffer, magic: LegacyMagic, message: LegacyMessageInput): void {
  writeInt64(bytes, message.offset, OFFSET_AT)
  bytes.writeInt32BE(bytes.length - LOG_OVERHEAD, LENGTH_AT)
  bytes.writeInt8(magic, MAGIC_AT)
  const isLogAppendTime = magic === 1 && message.timestampType === 'LogAppendTime'
  bytes.writeInt8(
    (message.compressionCodec ?? 0) | (isLogAppendTime ? TIMESTAMP_TYPE_MASK : 0),
    ATTRIBUTES_AT,
  )
  if (magic === 1) writeInt64(bytes, message.timestamp, TIMESTAMP_AT)
  writeField(bytes, message.value, writeField(bytes, message.key, KEY_LENGTH_AT[magic]))
  bytes.writeUInt32BE(crc32(bytes.subarray(MAGIC_AT)), CRC_AT)
}

function writeField(bytes: Buffer, field: Uint8Array | null, at: number): number {
  bytes.writeInt32BE(field === null ? -1 : field.length, at)
  if (field !== null) bytes.set(field, at + 4)
  return at + 4 + (field?.length ?? 0)
}

/**
 * The bytes of a wrapper's value. LZ4 in format 0 has the header checksum of Kafka's first writer, which is wrong
 * (KIP-57), and whoever reads format 0 expects it.
 */
export function compressMessages(codec: CompressionType, magic: LegacyMagic, messages: Buffer): Buffer {
  return runAtOnce(compressMessagesInSteps(codec, magic, messages))
}

/** As `compressMessages`. */
export function* compressMessagesInSteps(
  codec: CompressionType,
  magic: LegacyMagic,
  messages: Buffer,
): Steps<Buffer> {
  return codec === 'lz4' && magic === 0
    ? yield* compressLz4Frame(messages, 'kafka-0.8')
    : yield* compressInSteps(codec, messages)
}
