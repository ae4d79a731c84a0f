/**
 * The zigzag varints inside record batches (Kafka's `ByteUtils`): lengths and offset deltas are 32 bits in at most
 * five bytes, timestamp deltas 64 bits in at most ten.
 */

/** Bytes that `value`, a signed 32-bit integer, takes. */
export function sizeOfVarint(value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let size = 1
  while (rest >= 0x80) {
    rest >>>= 7
    size++
  }
  return size
}

/** Writes a signed 32-bit integer; returns the position after it. */
export function writeVarint(target: Uint8Array, value: number, at: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let position = at
  while (rest >= 0x80) {
    target[position++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[position++] = rest
  return position
}

/** Below this the doubled value is exact, so plain arithmetic does. */
const MAX_EXACT_ZIGZAG = 2 ** 52
const INT64_MAX = 2n ** 63n - 1n

/** Bytes that `value`, an integer that saturates at the extremes of 64 bits, takes as a 64-bit varint. */
export function sizeOfVarlong(value: number): number {
  if (value === (value | 0)) return sizeOfVarint(value)
  if (Math.abs(value) < MAX_EXACT_ZIGZAG) {
    let rest = zigzag(value)
    let size = 1
    while (rest >= 0x80) {
      rest = Math.floor(rest / 0x80)
      size++
    }
    return size
  }
  let rest = zigzagExact(value)
  let size = 1
  while (rest >= 0x80n) {
    rest >>= 7n
    size++
  }
  return size
}

/** Writes an integer as a 64-bit varint; returns the position after it. */
export function writeVarlong(target: Uint8Array, value: number, at: number): number {
  if (value === (value | 0)) return writeVarint(target, value, at)
  let position = at
  if (Math.abs(value) < MAX_EXACT_ZIGZAG) {
    let rest = zigzag(value)
    while (rest >= 0x80) {
      target[position++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    target[position++] = rest
    return position
  }
  let rest = zigzagExact(value)
  while (rest >= 0x80n) {
    target[position++] = Number(rest & 0x7fn) | 0x80
    rest >>= 7n
  }
  target[position++] = Number(rest)
  return position
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}

function zigzagExact(value: number): bigint {
  const wide = BigInt(value)
  const exact = wide > INT64_MAX ? INT64_MAX : wide < -INT64_MAX - 1n ? -INT64_MAX - 1n : wide
  return BigInt.asUintN(64, (exact << 1n) ^ (exact >> 63n))
}
