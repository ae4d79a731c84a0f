import { createRequire } from 'node:module'

type Crc32c = (bytes: Uint8Array) => number

let implementation: Crc32c | undefined

/** The CRC-32C (Castagnoli) of the bytes, as an unsigned 32-bit number: the checksum of record batches. */
export function crc32c(bytes: Uint8Array): number {
  implementation ??= loadCrc32c()
  return implementation(bytes)
}

/** Loaded at the first use, so that importing this module costs nothing. */
function loadCrc32c(): Crc32c {
  const require = createRequire(import.meta.url)
  try {
    const native: typeof import('@node-rs/crc32') = require('@node-rs/crc32')
    return (bytes) => native.crc32c(bytes)
  } catch {
    // No native build for this platform. Both answers are the same; this one takes about five times as long.
    return loadPortableCrc32c(require)
  }
}

/** The implementation without native code; exported so that the tests can compare both. */
export function loadPortableCrc32c(require: NodeJS.Require = createRequire(import.meta.url)): Crc32c {
  const portable: { buf(bytes: Uint8Array, seed: number): number } = require('crc-32/crc32c.js')
  return (bytes) => portable.buf(bytes, 0) >>> 0
}
