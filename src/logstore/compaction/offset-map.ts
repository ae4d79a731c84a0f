import { KeyHash } from './key-hash.ts'

/** Beside the tag: three words of the hash, two of the offset. */
const ENTRY_WORDS = 5
export const BYTES_PER_ENTRY = (ENTRY_WORDS + 1) * 4
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
    for (const shard of this.#shards) bytes += shard?.bytes ?? 0
    return bytes
  }

  /** Offsets have to ascend. False where there is no room: nothing has changed then. */
  put(bytes: Buffer, start: number, length: number, offset: number): boolean {
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

/**
 * One table: linear probing. A search runs over the tags alone, which lie close together; the rest of an entry is looked
 * at when its tag is the right one. A tag is a word of the hash with its lowest bit set: zero is a free place.
 */
class Shard {
  count = 0
  readonly #maxSlots: number
  #slots: number
  #tags: Uint32Array
  /** The three other words of the hash, and the offset in two. */
  #entries: Uint32Array

  constructor(maxSlots: number) {
    this.#maxSlots = maxSlots
    this.#slots = Math.min(FIRST_SLOTS, maxSlots)
    this.#tags = new Uint32Array(this.#slots)
    this.#entries = new Uint32Array(this.#slots * ENTRY_WORDS)
  }

  get bytes(): number {
    return this.#tags.byteLength + this.#entries.byteLength
  }

  put(hash: KeyHash, offset: number): boolean {
    let slot = this.#find(hash)
    if (this.#tags[slot] === 0) {
      if (this.#slots < this.#maxSlots && this.count >= this.#slots * GROW_AT) {
        this.#grow()
        slot = this.#find(hash)
      }
      // One place stays free, where a search for what is not there ends.
      if (this.count >= this.#slots - 1) return false
      this.count++
      this.#tags[slot] = hash.word2 | 1
      const at = slot * ENTRY_WORDS
      this.#entries[at] = hash.word0
      this.#entries[at + 1] = hash.word1
      this.#entries[at + 2] = hash.word3
    }
    const at = slot * ENTRY_WORDS
    this.#entries[at + 3] = offset % TWO_TO_32
    this.#entries[at + 4] = Math.floor(offset / TWO_TO_32)
    return true
  }

  get(hash: KeyHash): number {
    const slot = this.#find(hash)
    if (this.#tags[slot] === 0) return -1
    const at = slot * ENTRY_WORDS
    return this.#entries[at + 4]! * TWO_TO_32 + this.#entries[at + 3]!
  }

  /** The place of the hash, or the free one where it belongs. */
  #find(hash: KeyHash): number {
    const tags = this.#tags
    const entries = this.#entries
    const word0 = hash.word0 >>> 0
    const word1 = hash.word1 >>> 0
    const word3 = hash.word3 >>> 0
    const tag = (hash.word2 | 1) >>> 0
    const slots = this.#slots
    let slot = word1 % slots
    for (;;) {
      const found = tags[slot]
      if (found === 0) return slot
      if (found === tag) {
        const at = slot * ENTRY_WORDS
        if (entries[at] === word0 && entries[at + 1] === word1 && entries[at + 2] === word3) return slot
      }
      slot++
      if (slot === slots) slot = 0
    }
  }

  #grow(): void {
    const tags = this.#tags
    const entries = this.#entries
    this.#slots = Math.min(this.#maxSlots, Math.ceil(this.#slots * GROW_BY))
    this.#tags = new Uint32Array(this.#slots)
    this.#entries = new Uint32Array(this.#slots * ENTRY_WORDS)
    for (const [from, tag] of tags.entries()) {
      if (tag === 0) continue
      let to = entries[from * ENTRY_WORDS + 1]! % this.#slots
      while (this.#tags[to] !== 0) to = to + 1 === this.#slots ? 0 : to + 1
      this.#tags[to] = tag
      for (let word = 0; word < ENTRY_WORDS; word++)
        this.#entries[to * ENTRY_WORDS + word] = entries[from * ENTRY_WORDS + word]!
    }
  }
}
