/** Bytes of the secret that a hash is made with. */
export const HASH_KEY_BYTES = 16

/** The first byte of the padding after a message that does not fill its last block. */
const PADDING = 0x01
/** What a carry out of 128 bits comes back as (x^128 = x^7 + x^2 + x + 1). */
const REDUCTION = 0x87
const BLOCK_BYTES = 16

/**
 * A 128-bit hash of record keys: the Chaskey authenticator of eight rounds, on 32-bit words, which is what JavaScript
 * computes fast. Two keys with one hash would cost a record at a compaction, so whoever writes keys must not be able to
 * find such a pair: without the secret, which is drawn for each cleaning, nobody can.
 *
 * `of` leaves the hash in the four words, so that nothing is allocated for a key.
 */
export class KeyHash {
  word0 = 0
  word1 = 0
  word2 = 0
  word3 = 0
  readonly #key: Int32Array
  /** Of a last block that is full, and of one that is padded. */
  readonly #fullKey: Int32Array
  readonly #paddedKey: Int32Array
  readonly #lastBlock = Buffer.alloc(BLOCK_BYTES)

  constructor(key: Uint8Array) {
    const view = new DataView(key.buffer, key.byteOffset, HASH_KEY_BYTES)
    this.#key = Int32Array.from({ length: 4 }, (_, index) => view.getInt32(index * 4, true))
    this.#fullKey = timesTwo(this.#key)
    this.#paddedKey = timesTwo(this.#fullKey)
  }

  of(bytes: Buffer, start: number, length: number): void {
    const key = this.#key
    this.word0 = key[0]!
    this.word1 = key[1]!
    this.word2 = key[2]!
    this.word3 = key[3]!
    const left = length === 0 ? 0 : ((length - 1) % BLOCK_BYTES) + 1
    const lastAt = start + length - left
    for (let at = start; at < lastAt; at += BLOCK_BYTES) {
      this.#mix(bytes, at)
      this.#permute()
    }
    const isFull = left === BLOCK_BYTES
    const lastKey = isFull ? this.#fullKey : this.#paddedKey
    if (isFull) this.#mix(bytes, lastAt)
    else {
      const block = this.#lastBlock
      for (let index = 0; index < left; index++) block[index] = bytes[lastAt + index]!
      block[left] = PADDING
      for (let index = left + 1; index < BLOCK_BYTES; index++) block[index] = 0
      this.#mix(block, 0)
    }
    this.#add(lastKey)
    this.#permute()
    this.#add(lastKey)
  }

  #mix(bytes: Buffer, at: number): void {
    this.word0 ^= wordAt(bytes, at)
    this.word1 ^= wordAt(bytes, at + 4)
    this.word2 ^= wordAt(bytes, at + 8)
    this.word3 ^= wordAt(bytes, at + 12)
  }

  #add(key: Int32Array): void {
    this.word0 ^= key[0]!
    this.word1 ^= key[1]!
    this.word2 ^= key[2]!
    this.word3 ^= key[3]!
  }

  #permute(): void {
    let a = this.word0
    let b = this.word1
    let c = this.word2
    let d = this.word3
    for (let round = 0; round < 8; round++) {
      a = (a + b) | 0
      b = ((b << 5) | (b >>> 27)) ^ a
      a = (a << 16) | (a >>> 16)
      c = (c + d) | 0
      d = ((d << 8) | (d >>> 24)) ^ c
      a = (a + d) | 0
      d = ((d << 13) | (d >>> 19)) ^ a
      c = (c + b) | 0
      b = ((b << 7) | (b >>> 25)) ^ c
      c = (c << 16) | (c >>> 16)
    }
    this.word0 = a
    this.word1 = b
    this.word2 = c
    this.word3 = d
  }
}

function wordAt(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function timesTwo(key: Int32Array): Int32Array {
  const [a = 0, b = 0, c = 0, d = 0] = key
  return Int32Array.of(
    (a << 1) ^ (d < 0 ? REDUCTION : 0),
    (b << 1) | (a >>> 31),
    (c << 1) | (b >>> 31),
    (d << 1) | (c >>> 31),
  )
}
