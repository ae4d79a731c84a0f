import { promisify } from 'node:util'
import {
  constants,
  gunzip,
  gunzipSync,
  gzip,
  gzipSync,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'
import { invariant } from '../base/invariant.ts'
import { runAtOnce, type Steps } from '../base/steps.ts'
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

/** Less than that takes a few milliseconds. */
const SMALL_OUTPUT_BYTES = 1024 * 1024
const SMALL_INPUT_BYTES = 128 * 1024
/** Each costs the event loop a callback. */
const MEANWHILE_CHUNK_BYTES = 256 * 1024

/**
 * Compresses the records of a batch in the container that Kafka's own producer uses for the codec: gzip, xerial
 * blocks for snappy, frames of independent 64 KB blocks for lz4, zstd frames. `level` is the codec's own scale
 * (`compression.gzip.level`, `compression.zstd.level`); the two others have none here.
 */
export function compress(type: CompressionType, bytes: Buffer, level?: number): Buffer {
  return runAtOnce(compressInSteps(type, bytes, level))
}

/** As `compress`. */
export function* compressInSteps(type: CompressionType, bytes: Buffer, level?: number): Steps<Buffer> {
  switch (type) {
    case 'none':
      return bytes
    case 'snappy':
      return yield* compressXerialSnappy(bytes)
    case 'lz4':
      return yield* compressLz4Frame(bytes)
    case 'gzip': {
      const options = level === undefined ? {} : { level }
      if (bytes.length <= SMALL_INPUT_BYTES) return gzipSync(bytes, options)
      return yield* longCall(
        () => gzipSync(bytes, options),
        () => promisify(gzip)(bytes, options),
      )
    }
    case 'zstd': {
      const options = level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } }
      if (bytes.length <= SMALL_INPUT_BYTES) return zstdCompressSync(bytes, options)
      return yield* longCall(
        () => zstdCompressSync(bytes, options),
        () => promisify(zstdCompress)(bytes, options),
      )
    }
  }
}

/**
 * Decompresses the records of a batch. Never produces or reserves more than `maxOutputBytes`; throws
 * CorruptRecordError where the bytes are not what the codec writes or hold more than that. `none` gives the same
 * buffer back, whatever its size.
 */
export function decompress(type: CompressionType, bytes: Buffer, maxOutputBytes: number): Buffer {
  switch (type) {
    case 'gzip':
    case 'zstd':
      return decompressNow(type, bytes, maxOutputBytes)
    default:
      return runAtOnce(decompressInSteps(type, bytes, maxOutputBytes))
  }
}

/** As `decompress`. */
export function* decompressInSteps(
  type: CompressionType,
  bytes: Buffer,
  maxOutputBytes: number,
): Steps<Buffer> {
  switch (type) {
    case 'none':
      return bytes
    case 'snappy':
      return yield* decompressSnappy(bytes, maxOutputBytes)
    case 'lz4':
      return yield* decompressLz4Frame(bytes, maxOutputBytes)
    case 'gzip':
    case 'zstd':
      return yield* decompressWithZlib(type, bytes, maxOutputBytes)
  }
}

type ZlibCodec = 'gzip' | 'zstd'

const zlibNow = { gzip: gunzipSync, zstd: zstdDecompressSync } as const
const zlibMeanwhile = { gzip: promisify(gunzip), zstd: promisify(zstdDecompress) } as const

/** Nobody knows beforehand what the bytes hold: what turns out to be much is decompressed again, meanwhile. */
function* decompressWithZlib(type: ZlibCodec, bytes: Buffer, maxOutputBytes: number): Steps<Buffer> {
  if (maxOutputBytes <= SMALL_OUTPUT_BYTES) return decompressNow(type, bytes, maxOutputBytes)
  if (bytes.length <= SMALL_OUTPUT_BYTES) {
    try {
      return decompressNow(type, bytes, SMALL_OUTPUT_BYTES)
    } catch (error) {
      if (!(error instanceof CorruptRecordError && error.exceedsLimit)) throw error
    }
  }
  return yield* longCall(
    () => decompressNow(type, bytes, maxOutputBytes),
    async () => {
      try {
        return await zlibMeanwhile[type](bytes, {
          maxOutputLength: maxOutputBytes,
          chunkSize: MEANWHILE_CHUNK_BYTES,
        })
      } catch (cause) {
        throw zlibFault(type, cause, maxOutputBytes)
      }
    },
  )
}

function decompressNow(type: ZlibCodec, bytes: Buffer, maxOutputBytes: number): Buffer {
  let output: Buffer
  try {
    // zlib wants a bound of at least one byte.
    output = zlibNow[type](bytes, { maxOutputLength: Math.max(1, maxOutputBytes) })
  } catch (cause) {
    throw zlibFault(type, cause, maxOutputBytes)
  }
  if (output.length > maxOutputBytes) throw CorruptRecordError.tooLarge(type, maxOutputBytes)
  return output
}

function zlibFault(type: ZlibCodec, cause: unknown, maxOutputBytes: number): CorruptRecordError {
  if (cause instanceof RangeError && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE')
    return CorruptRecordError.tooLarge(type, maxOutputBytes)
  return new CorruptRecordError(`${type}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  })
}

function* longCall(atOnce: () => Buffer, meanwhile: () => Promise<Buffer>): Steps<Buffer> {
  let result: (() => Buffer) | undefined
  const failed = (error: unknown): void => {
    result = () => {
      throw error
    }
  }
  yield {
    atOnce: () => {
      result = atOnce
    },
    meanwhile: () =>
      meanwhile().then((output) => {
        result = () => output
      }, failed),
  }
  invariant(result !== undefined, 'work went on before its long call was done')
  return result()
}
