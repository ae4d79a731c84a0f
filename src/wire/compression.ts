import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { CorruptRecordError } from './corrupt-record-error.ts'
import { compressLz4Frame, decompressLz4Frame } from './lz4-frame.ts'
import { compressXerialSnappy, decompressSnappy } from './snappy.ts'

/** Kafka's names of the codecs, as `compression.type` has them, at their number in the attributes of a batch. */
export const compressionTypes = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type CompressionType = (typeof compressionTypes)[number]

/** The codec of attribute bits 0-2, or undefined for the numbers that no codec has (5 to 7). */
export function compressionTypeOf(codec: number): CompressionType | undefined {
  return compressionTypes[codec]
}

export function compressionCodecOf(type: CompressionType): number {
  return compressionTypes.indexOf(type)
}

/**
 * Compresses the records of a batch in the container that Kafka's own producer uses for the codec: gzip, xerial
 * blocks for snappy, frames of independent 64 KB blocks for lz4, zstd frames. `level` is the codec's own scale
 * (`compression.gzip.level`, `compression.zstd.level`); the two others have none here.
 */
export function compress(type: CompressionType, bytes: Buffer, level?: number): Buffer {
  switch (type) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes, level === undefined ? {} : { level })
    case 'snappy':
      return compressXerialSnappy(bytes)
    case 'lz4':
      return compressLz4Frame(bytes)
    case 'zstd':
      return zstdCompressSync(
        bytes,
        level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } },
      )
  }
}

/**
 * Decompresses the records of a batch. Never produces or reserves more than `maxOutputBytes`; throws
 * CorruptRecordError where the bytes are not what the codec writes or hold more than that. `none` gives the same
 * buffer back, whatever its size.
 */
export function decompress(type: CompressionType, bytes: Buffer, maxOutputBytes: number): Buffer {
  switch (type) {
    case 'none':
      return bytes
    case 'gzip':
      return decompressWithZlib('gzip', gunzipSync, bytes, maxOutputBytes)
    case 'snappy':
      return decompressSnappy(bytes, maxOutputBytes)
    case 'lz4':
      return decompressLz4Frame(bytes, maxOutputBytes)
    case 'zstd':
      return decompressWithZlib('zstd', zstdDecompressSync, bytes, maxOutputBytes)
  }
}

function decompressWithZlib(
  type: CompressionType,
  decompressSync: (bytes: Buffer, options: { maxOutputLength: number }) => Buffer,
  bytes: Buffer,
  maxOutputBytes: number,
): Buffer {
  try {
    // zlib wants a bound of at least one byte.
    const output = decompressSync(bytes, { maxOutputLength: Math.max(1, maxOutputBytes) })
    if (output.length > maxOutputBytes) throw CorruptRecordError.tooLarge(type, maxOutputBytes)
    return output
  } catch (cause) {
    if (cause instanceof CorruptRecordError) throw cause
    if (cause instanceof RangeError && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE')
      throw CorruptRecordError.tooLarge(type, maxOutputBytes)
    throw new CorruptRecordError(`${type}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}
