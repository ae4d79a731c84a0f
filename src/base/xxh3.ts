/**
 * XXH3 with 64 bits and seed 0, as an unsigned number: Kafka takes it for the hash of a group's topics. Made for a few
 * kilobytes now and then, not for speed.
 */
export function xxh3(input: Buffer): bigint {
  const length = input.length
  if (length > 240) return longHash(input)
  if (length > 128) return upTo240(input)
  if (length > 16) return upTo128(input)
  if (length > 8) {
    const low = u64(input, 0) ^ u64(SECRET, 24) ^ u64(SECRET, 32)
    const high = u64(input, length - 8) ^ u64(SECRET, 40) ^ u64(SECRET, 48)
    return avalanche(wrap(BigInt(length) + swap64(low) + high + foldedProduct(low, high)))
  }
  if (length >= 4) {
    const value = BigInt(input.readUInt32LE(length - 4)) + (BigInt(input.readUInt32LE(0)) << 32n)
    return strongAvalanche(value ^ u64(SECRET, 8) ^ u64(SECRET, 16), BigInt(length))
  }
  if (length > 0) {
    const value =
      (BigInt(input[0]!) << 16n) |
      (BigInt(input[length >> 1]!) << 24n) |
      BigInt(input[length - 1]!) |
      (BigInt(length) << 8n)
    return avalancheOfXxh64(value ^ BigInt((SECRET.readUInt32LE(0) ^ SECRET.readUInt32LE(4)) >>> 0))
  }
  return avalancheOfXxh64(u64(SECRET, 56) ^ u64(SECRET, 64))
}

const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
    'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
    '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
)

const PRIME_32_1 = 0x9e3779b1n
const PRIME_32_2 = 0x85ebca77n
const PRIME_32_3 = 0xc2b2ae3dn
const PRIME_64_1 = 0x9e3779b185ebca87n
const PRIME_64_2 = 0xc2b2ae3d27d4eb4fn
const PRIME_64_3 = 0x165667b19e3779f9n
const PRIME_64_4 = 0x85ebca77c2b2ae63n
const PRIME_64_5 = 0x27d4eb2f165667c5n

const LOW_32 = 0xffffffffn
const STRIPE = 64
const STRIPES_PER_BLOCK = 16

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}

function u64(bytes: Buffer, offset: number): bigint {
  return bytes.readBigUInt64LE(offset)
}

function swap64(value: bigint): bigint {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes.readBigUInt64LE()
}

function rotateLeft(value: bigint, bits: bigint): bigint {
  return wrap(value << bits) | (value >> (64n - bits))
}

function foldedProduct(a: bigint, b: bigint): bigint {
  const product = a * b
  return wrap(product) ^ (product >> 64n)
}

function avalanche(value: bigint): bigint {
  const mixed = wrap((value ^ (value >> 37n)) * 0x165667919e3779f9n)
  return mixed ^ (mixed >> 32n)
}

function avalancheOfXxh64(value: bigint): bigint {
  let mixed = wrap((value ^ (value >> 33n)) * PRIME_64_2)
  mixed = wrap((mixed ^ (mixed >> 29n)) * PRIME_64_3)
  return mixed ^ (mixed >> 32n)
}

function strongAvalanche(value: bigint, length: bigint): bigint {
  const factor = 0x9fb21c651e98df25n
  let mixed = wrap((value ^ rotateLeft(value, 49n) ^ rotateLeft(value, 24n)) * factor)
  mixed = wrap((mixed ^ ((mixed >> 35n) + length)) * factor)
  return mixed ^ (mixed >> 28n)
}

function mix16(input: Buffer, offset: number, secretOffset: number): bigint {
  return foldedProduct(
    u64(input, offset) ^ u64(SECRET, secretOffset),
    u64(input, offset + 8) ^ u64(SECRET, secretOffset + 8),
  )
}

function upTo128(input: Buffer): bigint {
  const length = input.length
  let sum = BigInt(length) * PRIME_64_1
  for (let i = (length - 1) >> 5; i >= 0; i--) {
    sum += mix16(input, 16 * i, 32 * i) + mix16(input, length - 16 * (i + 1), 32 * i + 16)
  }
  return avalanche(wrap(sum))
}

function upTo240(input: Buffer): bigint {
  const length = input.length
  let sum = BigInt(length) * PRIME_64_1
  for (let i = 0; i < 8; i++) sum += mix16(input, 16 * i, 16 * i)
  sum = avalanche(wrap(sum))
  for (let i = 8; i < length >> 4; i++) sum += mix16(input, 16 * i, 16 * (i - 8) + 3)
  return avalanche(wrap(sum + mix16(input, length - 16, 119)))
}

function longHash(input: Buffer): bigint {
  const length = input.length
  const lanes = [
    PRIME_32_3,
    PRIME_64_1,
    PRIME_64_2,
    PRIME_64_3,
    PRIME_64_4,
    PRIME_32_2,
    PRIME_64_5,
    PRIME_32_1,
  ]
  const stripes = Math.floor((length - 1) / STRIPE)
  for (let stripe = 0; stripe < stripes; stripe++) {
    const inBlock = stripe % STRIPES_PER_BLOCK
    accumulate(lanes, input, stripe * STRIPE, inBlock * 8)
    if (inBlock === STRIPES_PER_BLOCK - 1 && (stripe + 1) * STRIPE <= length - 1) scramble(lanes)
  }
  accumulate(lanes, input, length - STRIPE, SECRET.length - STRIPE - 7)
  let sum = wrap(BigInt(length) * PRIME_64_1)
  for (let i = 0; i < 8; i += 2) {
    sum += foldedProduct(lanes[i]! ^ u64(SECRET, 11 + 8 * i), lanes[i + 1]! ^ u64(SECRET, 19 + 8 * i))
  }
  return avalanche(wrap(sum))
}

function accumulate(lanes: bigint[], input: Buffer, offset: number, secretOffset: number): void {
  for (let i = 0; i < 8; i++) {
    const value = u64(input, offset + 8 * i)
    const keyed = value ^ u64(SECRET, secretOffset + 8 * i)
    lanes[i ^ 1] = wrap(lanes[i ^ 1]! + value)
    lanes[i] = wrap(lanes[i]! + (keyed & LOW_32) * (keyed >> 32n))
  }
}

function scramble(lanes: bigint[]): void {
  for (let i = 0; i < 8; i++) {
    const lane = lanes[i]!
    lanes[i] = wrap((lane ^ (lane >> 47n) ^ u64(SECRET, SECRET.length - STRIPE + 8 * i)) * PRIME_32_1)
  }
}
