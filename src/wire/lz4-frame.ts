import { createRequire } from 'node:module'
import type { Steps } from '../base/steps.ts'
import { CorruptRecordError } from './corrupt-record-error.ts'
import { xxhash32 } from './xxhash32.ts'

// The LZ4 frame format as Kafka writes it (`Lz4BlockOutputStream`) and reads it (`Lz4BlockInputStream`): one frame,
// independent blocks. The library's own frame reader has no bound on what it produces, so the frame is taken apart
// here and only single blocks go to the library.

const MAGIC = 0x184d2204
const MAGIC_BYTES = 4
const VERSION = 1
const BLOCK_SIZE_64_KB = 4
const WRITTEN_BLOCK_BYTES = 64 * 1024
/** In a block's length: the block is stored as it is. */
const UNCOMPRESSED_BIT = 0x8000_0000
/** Nothing that LZ4 encodes grows by more than this, so a larger claim is never believed. */
const MAX_RATIO = 255
/** The library's block functions want the output size in front, little-endian. */
const SIZE_PREFIX_BYTES = 4

type Lz4 = typeof import('lz4-napi')

let library: Lz4 | undefined

function lz4(): Lz4 {
  library ??= createRequire(import.meta.url)('lz4-napi') as Lz4
  return library
}

/**
 * What the header's checksum covers. Kafka's first writer took in the magic number, against the frame format; messages
 * of format 0 have kept that (KIP-57), and their readers do not look at it.
 */
export type HeaderChecksum = 'standard' | 'kafka-0.8'

/** One frame of independent 64 KB blocks, with neither content size nor checksums but the header's. */
export function* compressLz4Frame(bytes: Buffer, checksum: HeaderChecksum = 'standard'): Steps<Buffer> {
  const header = Buffer.alloc(MAGIC_BYTES + 3)
  header.writeUInt32LE(MAGIC, 0)
  header[4] = (VERSION << 6) | (1 << 5)
  header[5] = BLOCK_SIZE_64_KB << 4
  header[6] = headerChecksum(header, checksum === 'standard' ? MAGIC_BYTES : 0, 6)
  const parts: Buffer[] = [header]
  for (let start = 0; start < bytes.length; start += WRITTEN_BLOCK_BYTES) {
    const block = bytes.subarray(start, start + WRITTEN_BLOCK_BYTES)
    const compressed = lz4().compressSync(block).subarray(SIZE_PREFIX_BYTES)
    const length = Buffer.alloc(4)
    if (compressed.length < block.length) {
      length.writeUInt32LE(compressed.length, 0)
      parts.push(length, compressed)
    } else {
      length.writeUInt32LE((block.length | UNCOMPRESSED_BIT) >>> 0, 0)
      parts.push(length, block)
    }
    yield
  }
  parts.push(Buffer.alloc(4))
  return Buffer.concat(parts)
}

/**
 * The content of the frame at the front of `bytes`. As in Kafka, what follows the frame is not looked at, a content
 * size is skipped, a content checksum is not compared, and blocks that depend on each other are refused.
 */
export function* decompressLz4Frame(
  bytes: Buffer,
  maxOutputBytes: number,
  checksum: HeaderChecksum = 'standard',
): Steps<Buffer> {
  const { firstBlockAt, maxBlockBytes, hasBlockChecksums, hasContentChecksum } = readFrameHeader(
    bytes,
    checksum,
  )
  const blocks: Buffer[] = []
  let produced = 0
  let at = firstBlockAt
  for (;;) {
    need(bytes, at, 4)
    const lengthField = bytes.readUInt32LE(at)
    at += 4
    const length = (lengthField & ~UNCOMPRESSED_BIT) >>> 0
    if (length === 0) {
      if (hasContentChecksum) need(bytes, at, 4)
      return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks, produced)
    }
    if (length > maxBlockBytes)
      throw corrupt(`block of ${length} bytes, more than the frame's ${maxBlockBytes}`)
    need(bytes, at, length + (hasBlockChecksums ? 4 : 0))
    if (hasBlockChecksums && bytes.readUInt32LE(at + length) !== xxhash32(bytes, at, at + length))
      throw corrupt('wrong block checksum')
    const stored = bytes.subarray(at, at + length)
    const remaining = maxOutputBytes - produced
    const block =
      lengthField >= UNCOMPRESSED_BIT
        ? stored
        : decompressBlock(stored, maxBlockBytes, remaining, maxOutputBytes)
    if (block.length > remaining) throw CorruptRecordError.tooLarge('lz4', maxOutputBytes)
    blocks.push(block)
    produced += block.length
    at += length + (hasBlockChecksums ? 4 : 0)
    yield
  }
}

function decompressBlock(block: Buffer, maxBlockBytes: number, remaining: number, limit: number): Buffer {
  const possible = Math.min(maxBlockBytes, block.length * MAX_RATIO)
  const room = Math.min(possible, remaining)
  const prefixed = Buffer.allocUnsafe(SIZE_PREFIX_BYTES + block.length)
  prefixed.writeUInt32LE(room, 0)
  block.copy(prefixed, SIZE_PREFIX_BYTES)
  try {
    return lz4().uncompressSync(prefixed)
  } catch (cause) {
    if (room < possible) throw CorruptRecordError.tooLarge('lz4', limit)
    throw corrupt(cause instanceof Error ? cause.message : String(cause), cause)
  }
}

interface FrameHeader {
  readonly firstBlockAt: number
  readonly maxBlockBytes: number
  readonly hasBlockChecksums: boolean
  readonly hasContentChecksum: boolean
}

function readFrameHeader(bytes: Buffer, checksum: HeaderChecksum): FrameHeader {
  need(bytes, 0, 6)
  if (bytes.readUInt32LE(0) !== MAGIC) throw corrupt('not a frame')
  const flags = bytes[4]!
  if ((flags & 0x03) !== 0) throw corrupt('reserved bits are set')
  if ((flags & 0x20) === 0) throw corrupt('blocks that depend on each other')
  if (flags >> 6 !== VERSION) throw corrupt(`version ${flags >> 6} of the frame format`)
  const descriptor = bytes[5]!
  if ((descriptor & 0x8f) !== 0) throw corrupt('reserved bits are set')
  const blockSizeCode = descriptor >> 4
  if (blockSizeCode < BLOCK_SIZE_64_KB) throw corrupt(`block size code ${blockSizeCode}`)
  const checksumAt = (flags & 0x08) === 0 ? 6 : 14
  need(bytes, checksumAt, 1)
  if (checksum === 'standard' && bytes[checksumAt] !== headerChecksum(bytes, MAGIC_BYTES, checksumAt))
    throw corrupt('wrong header checksum')
  return {
    firstBlockAt: checksumAt + 1,
    maxBlockBytes: 1 << (2 * blockSizeCode + 8),
    hasBlockChecksums: (flags & 0x10) !== 0,
    hasContentChecksum: (flags & 0x04) !== 0,
  }
}

/** The second byte of the hash of what lies between; flags, block descriptor and content size by the standard. */
function headerChecksum(bytes: Buffer, start: number, end: number): number {
  return (xxhash32(bytes, start, end) >>> 8) & 0xff
}

function need(bytes: Buffer, at: number, count: number): void {
  if (bytes.length - at < count) throw corrupt('the frame ends early')
}

function corrupt(what: string, cause?: unknown): CorruptRecordError {
  return new CorruptRecordError(`lz4: ${what}`, { cause })
}
