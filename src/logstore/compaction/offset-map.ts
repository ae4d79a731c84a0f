import { invariant } from '../../base/invariant.ts'
import { KeyHash } from './key-hash.ts'

/** Four words of the hash, two of the offset. */
const WORDS = 6
export const BYTES_PER_ENTRY = WORDS * 4
const MAX_SHARDS = 256
/** A map smaller than this is one table. */
const SHARD_SLOTS = 4096
const FIRST_SLOTS = 64
const TWO_TO_32 = 2 ** 32
/** A table that may still grow does so before it gets fuller than this. */
const GROW_AT = 0.8
const GROW_BY = 1.5

/**
 * For each key of the dirty part of a log the last offset that it was seen at (Kafka's `SkimpyOffsetMap`): 16 bytes of
 * hash and 8 of offset a key, in open addressing.
 *
 * Memory is taken as keys come, up to `maxBytes`: the map is cut by hash into tables that grow each by itself, so that
 * growing needs no second copy of it all.
 */
export class OffsetMap {
  /** Keys that it could hold with no place left. */
  readonly slots: number
  /** The largest offset that it speaks for; -1 before any. */
  latestOffset = -1
  size = 0
  readonly #hash: KeyHash
  readonly #shards: (Shard | undefined)[]
  readonly #slotsPerShard: number

  /** `hashKey` is 16 bytes that nobody can guess. */
  constructor(maxBytes: number, hashKey: Uint8Array) {
    const wanted = Math.max(2, Math.floor(maxBytes / BYTES_PER_ENTRY))
    let shards = 1
    while (shards < MAX_SHARDS && wanted / (shards * 2) >= SHARD_SLOTS) shards *= 2
    this.#slotsPerShard = Math.floor(wanted / shards)
    this.slots = this.#slotsPerShard * shards
    this.#shards = new Array(shards)
    this.#hash = new KeyHash(hashKey)
  }

  /** Bytes that it holds now. */
  get bytes(): number {
    let bytes = 0
    for (const shard of this.#shards) bytes += shard?.words.byteLength ?? 0
    return bytes
  }

  /** Offsets have to ascend. False where there is no room: nothing has changed then. */
  put(bytes: Buffer, start: number, length: number, offset: number): boolean {
    invariant(offset >= 0, `an offset of ${offset}`)
    const hash = this.#hash
    hash.of(bytes, start, length)
    const shard = this.#shardOf(hash.word0)
    const before = shard.count
    if (!shard.put(hash, offset)) return false
    this.size += shard.count - before
    this.latestOffset = offset
    return true
  }

  /** -1 for a key that is not in it. */
  get(bytes: Buffer, start: number, length: number): number {
    const hash = this.#hash
    hash.of(bytes, start, length)
    return this.#shards[hash.word0 & (this.#shards.length - 1)]?.get(hash) ?? -1
  }

  updateLatestOffset(offset: number): void {
    if (offset > this.latestOffset) this.latestOffset = offset
  }

  #shardOf(word: number): Shard {
    const index = word & (this.#shards.length - 1)
    let shard = this.#shards[index]
    if (shard === undefined) {
      shard = new Shard(this.#slotsPerShard)
      this.#shards[index] = shard
    }
    return shard
  }
}

/** One table: linear probing; a place whose offset words are both zero is free, offsets are kept one higher. */
class Shard {
  words: Uint32Array
  count = 0
  readonly #maxSlots: number
  #slots: number

  constructor(maxSlots: number) {
    this.#maxSlots = maxSlots
    this.#slots = Math.min(FIRST_SLOTS, maxSlots)
    this.words = new Uint32Array(this.#slots * WORDS)
  }

  put(hash: KeyHash, offset: number): boolean {
    let at = this.#find(hash.word0, hash.word1, hash.word2, hash.word3)
    if (this.#isFree(at)) {
      if (this.#slots < this.#maxSlots && this.count >= this.#slots * GROW_AT) {
        this.#grow()
        at = this.#find(hash.word0, hash.word1, hash.word2, hash.word3)
      }
      // One place stays free, where a search for what is not there ends.
      if (this.count >= this.#slots - 1) return false
      this.count++
      this.words[at] = hash.word0
      this.words[at + 1] = hash.word1
      this.words[at + 2] = hash.word2
      this.words[at + 3] = hash.word3
    }
    this.words[at + 4] = (offset + 1) % TWO_TO_32
    this.words[at + 5] = Math.floor((offset + 1) / TWO_TO_32)
    return true
  }

  get(hash: KeyHash): number {
    const at = this.#find(hash.word0, hash.word1, hash.word2, hash.word3)
    return this.words[at + 5]! * TWO_TO_32 + this.words[at + 4]! - 1
  }

  /** The place of the hash, or the free one where it belongs. */
  #find(word0: number, word1: number, word2: number, word3: number): number {
    const { words } = this
    const a = word0 >>> 0
    const b = word1 >>> 0
    const c = word2 >>> 0
    const d = word3 >>> 0
    const end = words.length
    let at = (b % this.#slots) * WORDS
    while (!this.#isFree(at)) {
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return at
      at += WORDS
      if (at === end) at = 0
    }
    return at
  }

  #isFree(at: number): boolean {
    return this.words[at + 4] === 0 && this.words[at + 5] === 0
  }

  #grow(): void {
    const before = this.words
    this.#slots = Math.min(this.#maxSlots, Math.ceil(this.#slots * GROW_BY))
    this.words = new Uint32Array(this.#slots * WORDS)
    for (let from = 0; from < before.length; from += WORDS) {
      if (before[from + 4] === 0 && before[from + 5] === 0) continue
      const to = this.#find(before[from]!, before[from + 1]!, before[from + 2]!, before[from + 3]!)
      for (let word = 0; word < WORDS; word++) this.words[to + word] = before[from + word]!
    }
  }
}
