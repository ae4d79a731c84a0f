/** Codecs for kafkajs, which brings gzip alone: from libraries, so that both ends of a test are not ours. */
import { createRequire } from 'node:module'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'
import lz4 from 'lz4-napi'

// The package has no types.
const snappy = createRequire(import.meta.url)('snappyjs') as {
  compress(bytes: Buffer): Buffer
  uncompress(bytes: Buffer): Buffer
}

interface Encoder {
  readonly buffer: Buffer
}

function codec(compress: (bytes: Buffer) => Buffer, decompress: (bytes: Buffer) => Buffer) {
  return () => ({
    compress: async (encoder: Encoder) => compress(encoder.buffer),
    decompress: async (bytes: Buffer) => decompress(bytes),
  })
}

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])

/** Raw blocks are what Node's clients write; the container is what Java writes and a client has to read. */
function uncompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) return snappy.uncompress(bytes)
  const blocks: Buffer[] = []
  for (let at = 16; at < bytes.length; ) {
    const length = bytes.readInt32BE(at)
    blocks.push(snappy.uncompress(bytes.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  return Buffer.concat(blocks)
}

/** For every Kafka of this process. */
export function registerCodecs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs
  CompressionCodecs[CompressionTypes.Snappy] = codec((bytes) => snappy.compress(bytes), uncompressSnappy)
  CompressionCodecs[CompressionTypes.LZ4] = codec(
    (bytes) => lz4.compressFrameSync(bytes),
    (bytes) => lz4.decompressFrameSync(bytes),
  )
  CompressionCodecs[CompressionTypes.ZSTD] = codec(
    (bytes) => zstdCompressSync(bytes),
    (bytes) => zstdDecompressSync(bytes),
  )
}
