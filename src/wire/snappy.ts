import { createRequire } from 'node:module'
import type { Steps } from '../base/steps.ts'
import { CorruptRecordError } from './corrupt-record-error.ts'

// Kafka's snappy is the container of the xerial library (`SnappyOutputStream`): a header, then raw snappy blocks
// behind their lengths. Clients that are not Java's write that or one raw block; both are read, as
// `SnappyInputStream` does.

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
/** The first four bytes of the magic, read as a block length: another container begins here. */
const XERIAL_MAGIC_AS_LENGTH = XERIAL_MAGIC.readInt32BE(0)
const XERIAL_HEADER_BYTES = 16
const XERIAL_VERSION = 1
const WRITTEN_BLOCK_BYTES = 32 * 1024
/** The best that a snappy element does is 64 bytes out of three, so a larger claim is never believed. */
const MAX_RATIO = 22

/** Raw snappy blocks, compressed and taken apart. */
export interface SnappyBlocks {
  compress(block: Buffer): Buffer
  /** Throws on bytes that are not snappy; `length` is the length that the block's own header declares. */
  uncompress(block: Buffer, length: number): Buffer
}

let loaded: SnappyBlocks | undefined

function snappy(): SnappyBlocks {
  loaded ??= loadSnappy()
  return loaded
}

/** Loaded at the first use. */
function loadSnappy(): SnappyBlocks {
  const require = createRequire(import.meta.url)
  try {
    const native: typeof import('snappy') = require('snappy')
    return {
      compress: (block) => native.compressSync(block),
      // asBuffer: the answer is a Buffer, which the declared type leaves open.
      uncompress: (block) => native.uncompressSync(block, { asBuffer: true }) as Buffer,
    }
  } catch {
    // An optional dependency: no native build for this platform.
    return loadPortableSnappy(require)
  }
}

/** The implementation without native code; exported so that the tests can compare both. */
export function loadPortableSnappy(require: NodeJS.Require = createRequire(import.meta.url)): SnappyBlocks {
  return require('snappyjs') as SnappyBlocks
}

/** The xerial container, with blocks of 32 KB as Java's producer makes them. */
export function* compressXerialSnappy(bytes: Buffer): Steps<Buffer> {
  const header = Buffer.alloc(XERIAL_HEADER_BYTES)
  XERIAL_MAGIC.copy(header)
  header.writeInt32BE(XERIAL_VERSION, 8)
  header.writeInt32BE(XERIAL_VERSION, 12)
  const parts: Buffer[] = [header]
  for (let start = 0; start < bytes.length; start += WRITTEN_BLOCK_BYTES) {
    const block = snappy().compress(bytes.subarray(start, start + WRITTEN_BLOCK_BYTES))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length, 0)
    parts.push(length, block)
    yield
  }
  return Buffer.concat(parts)
}

/** Reads the xerial container, several of them in a row, or one raw block. */
export function* decompressSnappy(
  bytes: Buffer,
  maxOutputBytes: number,
  blocks: SnappyBlocks = snappy(),
): Steps<Buffer> {
  if (!isXerialHeader(bytes, 0)) return uncompressBlock(bytes, maxOutputBytes, maxOutputBytes, blocks)
  const outputs: Buffer[] = []
  let produced = 0
  let at = XERIAL_HEADER_BYTES
  while (at < bytes.length) {
    if (bytes.length - at < 4) throw corrupt('the container ends inside a block length')
    const length = bytes.readInt32BE(at)
    if (length === XERIAL_MAGIC_AS_LENGTH) {
      if (!isXerialHeader(bytes, at)) throw corrupt('wrong header of a following container')
      at += XERIAL_HEADER_BYTES
      continue
    }
    at += 4
    if (length < 0 || length > bytes.length - at)
      throw corrupt(`block of ${length} bytes, ${bytes.length - at} left`)
    const block = bytes.subarray(at, at + length)
    const output = uncompressBlock(block, maxOutputBytes - produced, maxOutputBytes, blocks)
    outputs.push(output)
    produced += output.length
    at += length
    yield
  }
  return outputs.length === 1 ? outputs[0]! : Buffer.concat(outputs, produced)
}

function isXerialHeader(bytes: Buffer, at: number): boolean {
  return (
    bytes.length - at >= XERIAL_HEADER_BYTES &&
    XERIAL_MAGIC.compare(bytes, at, at + XERIAL_MAGIC.length) === 0 &&
    bytes.readInt32BE(at + 8) >= XERIAL_VERSION
  )
}

function uncompressBlock(block: Buffer, remaining: number, limit: number, blocks: SnappyBlocks): Buffer {
  const length = declaredLength(block)
  if (length > remaining) throw CorruptRecordError.tooLarge('snappy', limit)
  if (length > block.length * MAX_RATIO) throw corrupt(`${block.length} bytes that claim to hold ${length}`)
  let output: Buffer
  try {
    output = blocks.uncompress(block, length)
  } catch (cause) {
    throw corrupt(cause instanceof Error ? cause.message : String(cause), cause)
  }
  if (output.length !== length) throw corrupt(`${output.length} bytes where ${length} were declared`)
  return output
}

/** The unsigned varint in front of every raw block. */
function declaredLength(block: Buffer): number {
  let length = 0
  for (let at = 0; at < 5 && at < block.length; at++) {
    const byte = block[at]!
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return length
  }
  throw corrupt('no length in front of a block')
}

function corrupt(what: string, cause?: unknown): CorruptRecordError {
  return new CorruptRecordError(`snappy: ${what}`, { cause })
}
