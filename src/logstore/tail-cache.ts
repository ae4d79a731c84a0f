import { BufferPool, SHARED_FROM_BYTES } from '../base/buffer-pool.ts'
import { batchBaseOffset, batchNextOffset, batchSizeInBytes } from '../wire/batch.ts'

/** What a chunk costs beside its memory: objects and list places. */
const CHUNK_OVERHEAD_BYTES = 400
/** The first chunk of a log that was idle, so that ten thousand of those cost little; each next one is twice as large. */
const SMALLEST_CHUNK_BYTES = 1024
const LARGEST_CHUNK_BYTES = 256 * 1024
/**
 * So many chunks of each log have room in the budget, up to some thousands of logs: of fewer and larger ones most would be
 * dropped before they are full.
 */
const CHUNKS_OF_A_LOG = 4
/** How far apart the places are from which batches are looked for one by one. */
const MARK_BYTES = 4096

/** A place where a batch begins, and that batch's base offset: all batches before it end at or below that. */
interface Mark {
  readonly offset: number
  readonly position: number
}

/** Consecutive batches of one log in one piece of memory. */
class Chunk {
  readonly cache: TailCache
  readonly memory: Buffer
  /** Where batches lie in `memory`. */
  start = 0
  end = 0
  /** The first is at `start`. */
  marks: Mark[] = []
  nextOffset = 0
  /** Bytes above `end` were cut off, and may be on their way to a client yet. */
  sealed = false
  older: Chunk | undefined
  newer: Chunk | undefined

  constructor(cache: TailCache, memory: Buffer) {
    this.cache = cache
    this.memory = memory
  }

  /** Of the memory that it keeps from others, its own overhead included. */
  get bytes(): number {
    return this.memory.buffer.byteLength + CHUNK_OVERHEAD_BYTES
  }

  hasRoomFor(bytes: number): boolean {
    return !this.sealed && this.memory.length - this.end >= bytes
  }

  add(baseOffset: number, nextOffset: number, batch: Buffer): void {
    const last = this.marks.at(-1)
    if (last === undefined || this.end - last.position >= MARK_BYTES)
      this.marks.push({ offset: baseOffset, position: this.end })
    // A large batch is where it stays.
    if (batch !== this.memory) batch.copy(this.memory, this.end)
    this.end += batch.length
    this.nextOffset = nextOffset
  }

  /** Where the batch begins that holds `offset`, or the first one after it. There is one. */
  find(offset: number): number {
    let position = this.#markUpTo(offset, Number.POSITIVE_INFINITY)
    while (batchNextOffset(this.memory, position) <= offset)
      position += batchSizeInBytes(this.memory, position)
    return position
  }

  /** The end of the last batch that reaches neither over `upperBoundOffset` nor `room` bytes beyond `from`. */
  endWithin(from: number, room: number, upperBoundOffset: number): number {
    if (this.nextOffset <= upperBoundOffset && this.end - from <= room) return this.end
    let position = Math.max(from, this.#markUpTo(upperBoundOffset, from + room))
    while (position < this.end && batchNextOffset(this.memory, position) <= upperBoundOffset) {
      const next = position + batchSizeInBytes(this.memory, position)
      if (next > from + room) break
      position = next
    }
    return position
  }

  /** The position of the last mark up to both, or the first one. */
  #markUpTo(offset: number, position: number): number {
    let low = 0
    let high = this.marks.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      const mark = this.marks[middle]!
      if (mark.offset <= offset && mark.position <= position) low = middle
      else high = middle - 1
    }
    return this.marks[low]!.position
  }

  /** Forgets the batches that reach over `offset`. */
  cut(offset: number): void {
    let end = this.#markUpTo(offset, Number.POSITIVE_INFINITY)
    // The batch before the mark ends at it or, with a gap, below; nobody asks for what lies in between.
    let nextOffset = Math.min(offset, batchBaseOffset(this.memory, end))
    while (end < this.end && batchNextOffset(this.memory, end) <= offset) {
      nextOffset = batchNextOffset(this.memory, end)
      end += batchSizeInBytes(this.memory, end)
    }
    this.marks = this.marks.filter((mark) => mark.position < end)
    this.end = end
    this.nextOffset = nextOffset
    this.sealed = true
  }

  /** Forgets the batches that end at `offset` or below. */
  dropBelow(offset: number): void {
    this.start = this.find(offset)
    const first = { offset: batchBaseOffset(this.memory, this.start), position: this.start }
    this.marks = [first, ...this.marks.filter((mark) => mark.position > this.start)]
  }
}

/** What all tail caches of a broker share: a bound on their memory. The chunks that were begun first go first. */
export class TailCacheBudget {
  readonly maxBytes: number
  readonly buffers: BufferPool
  #bytes = 0
  #logs = 0
  #oldest: Chunk | undefined
  #newest: Chunk | undefined
  /** Chunks that lie in the same memory, which counts once: batches of one request. */
  readonly #sharing = new Map<ArrayBufferLike, number>()

  /** Chunks lie in memory of `buffers`. */
  constructor(maxBytes: number, buffers: BufferPool = new BufferPool()) {
    this.maxBytes = maxBytes
    this.buffers = buffers
  }

  /** In use, overheads included. */
  get bytes(): number {
    return this.#bytes
  }

  /** How much memory a log takes that had `last` before. */
  nextChunkBytes(last: Chunk | undefined): number {
    // The pool's memory comes in powers of two.
    const fair = 2 ** Math.floor(Math.log2(this.maxBytes / (CHUNKS_OF_A_LOG * this.#logs)))
    const wanted = Math.min(LARGEST_CHUNK_BYTES, fair, last === undefined ? 0 : last.memory.length * 2)
    return Math.max(SMALLEST_CHUNK_BYTES, wanted)
  }

  /** A cache has its first chunk. */
  logBegins(): void {
    this.#logs++
  }

  /** A cache has no chunks any more. */
  logEnds(): void {
    this.#logs--
  }

  add(chunk: Chunk): void {
    chunk.older = this.#newest
    if (this.#newest === undefined) this.#oldest = chunk
    else this.#newest.newer = chunk
    this.#newest = chunk
    const sharing = this.#sharing.get(chunk.memory.buffer) ?? 0
    this.#sharing.set(chunk.memory.buffer, sharing + 1)
    this.#bytes += sharing === 0 ? chunk.bytes : CHUNK_OVERHEAD_BYTES
    while (this.#bytes > this.maxBytes && this.#oldest !== undefined) this.#oldest.cache.dropOldest()
  }

  /** Whoever still sends slices of it holds its memory. */
  remove(chunk: Chunk): void {
    if (chunk.older === undefined) this.#oldest = chunk.newer
    else chunk.older.newer = chunk.newer
    if (chunk.newer === undefined) this.#newest = chunk.older
    else chunk.newer.older = chunk.older
    const sharing = this.#sharing.get(chunk.memory.buffer)!
    if (sharing === 1) this.#sharing.delete(chunk.memory.buffer)
    else this.#sharing.set(chunk.memory.buffer, sharing - 1)
    this.#bytes -= sharing === 1 ? chunk.bytes : CHUNK_OVERHEAD_BYTES
    this.buffers.giveBack(chunk.memory)
  }
}

export interface TailRead {
  readonly buffers: Buffer[]
  readonly size: number
  /** After the last batch; the start where there is none. */
  readonly nextOffset: number
}

/**
 * The most recent batches of one log, without a gap up to its end, so that consumers near the end cost no disk read. It
 * keeps copies of small batches: one copy in memory costs less than keeping each request alive that a batch came in, and
 * batches that lie side by side go out as one slice. Nobody writes to the bytes of a large one once it is added.
 */
export class TailCache {
  readonly #budget: TailCacheBudget
  /** Oldest first. Appends go to the last. */
  #chunks: Chunk[] = []

  constructor(budget: TailCacheBudget) {
    this.#budget = budget
  }

  /** One whole batch at the end of the log. */
  add(baseOffset: number, nextOffset: number, batch: Buffer): void {
    let chunk = this.#chunks.at(-1)
    if (chunk === undefined || !chunk.hasRoomFor(batch.length)) {
      const memory = this.#memoryFor(batch, this.#budget.nextChunkBytes(chunk))
      chunk = new Chunk(this, memory)
      if (chunk.bytes > this.#budget.maxBytes) {
        this.#budget.buffers.giveBack(memory)
        this.clear()
        return
      }
      if (this.#chunks.length === 0) this.#budget.logBegins()
      this.#chunks.push(chunk)
      this.#budget.add(chunk)
    }
    chunk.add(baseOffset, nextOffset, batch)
  }

  /** A large batch stays where it is: in the memory of its request. */
  #memoryFor(batch: Buffer, chunkBytes: number): Buffer {
    const { buffers } = this.#budget
    if (batch.length >= LARGEST_CHUNK_BYTES && buffers.share(batch)) return batch
    // All of the memory that is lent, which may be more than was asked for.
    return Buffer.from(buffers.lend(Math.max(batch.length, chunkBytes), true).buffer)
  }

  /**
   * Whole batches from the one that holds `startOffset`, up to `maxBytes` and none that reaches over
   * `upperBoundOffset`; with `minOneMessage` the first whatever its size. Undefined where the start is not cached.
   * Whoever is done with a slice may give it back to the pool of the budget.
   */
  read(
    startOffset: number,
    maxBytes: number,
    upperBoundOffset: number,
    minOneMessage: boolean,
  ): TailRead | undefined {
    const index = this.#chunkWith(startOffset)
    if (index === undefined) return undefined
    const buffers: Buffer[] = []
    let size = 0
    let nextOffset = startOffset
    let from = this.#chunks[index]!.find(startOffset)
    for (let at = index; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!
      if (at > index) from = chunk.start
      let end = chunk.endWithin(from, maxBytes - size, upperBoundOffset)
      if (
        end === from &&
        size === 0 &&
        minOneMessage &&
        batchNextOffset(chunk.memory, from) <= upperBoundOffset
      )
        end = from + batchSizeInBytes(chunk.memory, from)
      if (end === from) break
      const slice = chunk.memory.subarray(from, end)
      if (slice.length < SHARED_FROM_BYTES) buffers.push(Buffer.from(slice))
      else {
        this.#budget.buffers.share(slice)
        buffers.push(slice)
      }
      size += slice.length
      nextOffset = end === chunk.end ? chunk.nextOffset : batchBaseOffset(chunk.memory, end)
      if (end < chunk.end) break
    }
    return { buffers, size, nextOffset }
  }

  /** Whether a read from `offset` on is served from here. */
  holds(offset: number): boolean {
    return this.#chunkWith(offset) !== undefined
  }

  /** Forgets the batches that reach over `offset`. */
  truncateTo(offset: number): void {
    while (this.#chunks.length > 0) {
      const last = this.#chunks.at(-1)!
      if (last.nextOffset <= offset) return
      if (last.marks[0]!.offset < offset) {
        last.cut(offset)
        if (last.end > last.start) return
      }
      this.#chunks.pop()
      this.#removed(last)
    }
  }

  /** Forgets the batches that end at `offset` or below. */
  dropBelow(offset: number): void {
    for (let first = this.#chunks[0]; first !== undefined; first = this.#chunks[0]) {
      if (first.nextOffset > offset) {
        first.dropBelow(offset)
        return
      }
      this.dropOldest()
    }
  }

  clear(): void {
    while (this.#chunks.length > 0) this.dropOldest()
  }

  /** For the budget. */
  dropOldest(): void {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) this.#removed(chunk)
  }

  #removed(chunk: Chunk): void {
    this.#budget.remove(chunk)
    if (this.#chunks.length === 0) this.#budget.logEnds()
  }

  /** The place of the first chunk that reaches over `offset`; undefined where all begin above it or end below. */
  #chunkWith(offset: number): number | undefined {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#chunks[middle]!.nextOffset > offset) high = middle
      else low = middle + 1
    }
    const found = this.#chunks[low]
    if (found === undefined || (low === 0 && offset < found.marks[0]!.offset)) return undefined
    return low
  }
}
