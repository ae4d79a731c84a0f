/** Bytes that an entry costs beside its batch: objects and list places. */
const ENTRY_OVERHEAD_BYTES = 200
/** A batch this small is copied when it would keep a much larger buffer alive. */
const COPIED_BELOW_BYTES = 1024
const PINNED_FACTOR = 16

interface Entry {
  readonly cache: TailCache
  readonly nextOffset: number
  readonly buffer: Buffer
  older: Entry | undefined
  newer: Entry | undefined
}

/** What all tail caches of a broker share: a bound on their bytes. The batches that came first go first. */
export class TailCacheBudget {
  readonly maxBytes: number
  #bytes = 0
  #oldest: Entry | undefined
  #newest: Entry | undefined

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** In use, overheads included. */
  get bytes(): number {
    return this.#bytes
  }

  add(entry: Entry): void {
    entry.older = this.#newest
    if (this.#newest === undefined) this.#oldest = entry
    else this.#newest.newer = entry
    this.#newest = entry
    this.#bytes += entry.buffer.length + ENTRY_OVERHEAD_BYTES
    while (this.#bytes > this.maxBytes && this.#oldest !== undefined) this.#oldest.cache.dropOldest()
  }

  remove(entry: Entry): void {
    if (entry.older === undefined) this.#oldest = entry.newer
    else entry.older.newer = entry.newer
    if (entry.newer === undefined) this.#newest = entry.older
    else entry.newer.older = entry.older
    this.#bytes -= entry.buffer.length + ENTRY_OVERHEAD_BYTES
  }
}

export interface TailRead {
  readonly buffers: Buffer[]
  readonly size: number
  /** After the last batch; the start where there is none. */
  readonly nextOffset: number
}

/** Positions in the list before this many dead ones are dropped. */
const COMPACT_AFTER = 1024

/**
 * The most recent batches of one log, without a gap up to its end, so that consumers near the end cost no disk read.
 * It keeps the very buffers that were appended: a slice keeps the whole request alive that it came in, so callers must
 * not reuse that memory, and all of a request's batches leave at about the same time.
 */
export class TailCache {
  readonly #budget: TailCacheBudget
  #entries: (Entry | undefined)[] = []
  /** Entries before this place are gone. */
  #head = 0
  #startOffset = 0

  constructor(budget: TailCacheBudget) {
    this.#budget = budget
  }

  get count(): number {
    return this.#entries.length - this.#head
  }

  /** One whole batch at the end of the log. */
  add(baseOffset: number, nextOffset: number, batch: Buffer): void {
    if (batch.length + ENTRY_OVERHEAD_BYTES > this.#budget.maxBytes) {
      this.clear()
      return
    }
    const pins = batch.buffer.byteLength
    const small = batch.length < COPIED_BELOW_BYTES && pins > batch.length * PINNED_FACTOR
    // A copy out of Node's shared pool would pin that.
    const buffer = small ? Buffer.allocUnsafeSlow(batch.length) : batch
    if (small) batch.copy(buffer)
    const entry: Entry = { cache: this, nextOffset, buffer, older: undefined, newer: undefined }
    if (this.count === 0) this.#startOffset = baseOffset
    this.#entries.push(entry)
    this.#budget.add(entry)
  }

  /**
   * Whole batches from the one that holds `startOffset`, up to `maxBytes` and none that reaches over
   * `upperBoundOffset`; with `minOneMessage` the first whatever its size. Undefined where the start is not cached.
   */
  read(
    startOffset: number,
    maxBytes: number,
    upperBoundOffset: number,
    minOneMessage: boolean,
  ): TailRead | undefined {
    if (this.count === 0 || startOffset < this.#startOffset) return undefined
    let low = this.#head
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#entries[middle]!.nextOffset > startOffset) high = middle
      else low = middle + 1
    }
    const buffers: Buffer[] = []
    let size = 0
    let nextOffset = startOffset
    for (let index = low; index < this.#entries.length; index++) {
      const entry = this.#entries[index]!
      if (entry.nextOffset > upperBoundOffset) break
      if (size + entry.buffer.length > maxBytes && !(minOneMessage && size === 0)) break
      buffers.push(entry.buffer)
      size += entry.buffer.length
      nextOffset = entry.nextOffset
    }
    return { buffers, size, nextOffset }
  }

  /** Forgets the batches that reach over `offset`. */
  truncateTo(offset: number): void {
    while (this.count > 0) {
      const last = this.#entries.at(-1)!
      if (last.nextOffset <= offset) return
      this.#entries.pop()
      this.#budget.remove(last)
    }
    this.clear()
  }

  /** Forgets the batches that end at `offset` or below. */
  dropBelow(offset: number): void {
    for (;;) {
      const oldest = this.#entries[this.#head]
      if (oldest === undefined || oldest.nextOffset > offset) return
      this.dropOldest()
    }
  }

  clear(): void {
    for (let index = this.#head; index < this.#entries.length; index++)
      this.#budget.remove(this.#entries[index]!)
    this.#entries = []
    this.#head = 0
  }

  /** For the budget. */
  dropOldest(): void {
    const entry = this.#entries[this.#head]
    if (entry === undefined) return
    this.#budget.remove(entry)
    this.#startOffset = entry.nextOffset
    // The place must not keep the bytes alive.
    this.#entries[this.#head++] = undefined
    if (this.#head === this.#entries.length) {
      this.#entries = []
      this.#head = 0
    } else if (this.#head >= COMPACT_AFTER && this.#head * 2 > this.#entries.length) {
      this.#entries.splice(0, this.#head)
      this.#head = 0
    }
  }
}
