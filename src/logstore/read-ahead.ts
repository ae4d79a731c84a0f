import type { BufferPool } from '../base/buffer-pool.ts'
import type { SegmentRead } from './log-reader.ts'

/** What is read and not asked for yet, over all logs of a directory: a chunk of a megabyte for each of some readers. */
const MAX_BYTES = 8 * 1024 * 1024
/**
 * Reads under way at a time. A disk that stalls keeps as many of the process's four threads for what nobody may ask for,
 * and the others are left for other disks and syncs.
 */
const MAX_READING = 2
/** So many that had no room show that the oldest is waited for no more: its reader went away. */
const REFUSALS_FOR_OLDEST = 16

/** One chunk that a reader is expected to ask for next. */
export interface Ahead {
  /** What was read, undefined where that failed; undefined at once where it has not begun, or was dropped. Once. */
  take(): Promise<SegmentRead | undefined> | undefined
  /** Nobody will ask for it. */
  drop(): void
}

/**
 * Reads the next chunk of whoever reads a log one chunk after the other, while the last one is sent and the client
 * looks at it; the event loop and the client would otherwise wait for each read. Shared by the logs of a directory,
 * bounded in memory and in threads, and begun in the order of asking.
 */
export class ReadAheads {
  readonly #buffers: BufferPool
  readonly #held = new Set<Chunk>()
  readonly #waiting = new Set<Chunk>()
  #bytes = 0
  #reading = 0
  #refusals = 0

  /** What is dropped goes back to `buffers`. */
  constructor(buffers: BufferPool) {
    this.#buffers = buffers
  }

  /** Begins, or will begin, a read of at most so many bytes; undefined where there is no room. */
  add(bytes: number, read: () => Promise<SegmentRead>): Ahead | undefined {
    if (this.#bytes + bytes > MAX_BYTES && !this.#hasDroppedOldest(bytes)) return undefined
    const chunk = new Chunk(this, bytes, read)
    this.#bytes += bytes
    this.#held.add(chunk)
    this.#waiting.add(chunk)
    this.#begin()
    return chunk
  }

  /** For its chunks: this one is nobody's place any more. */
  release(chunk: Chunk): void {
    if (!this.#held.delete(chunk)) return
    this.#waiting.delete(chunk)
    this.#bytes -= chunk.bytes
  }

  /** For its chunks: nobody looks at it. */
  giveBack(read: SegmentRead | undefined): void {
    if (read === undefined) return
    this.#buffers.giveBackAll(read.buffers)
  }

  #hasDroppedOldest(bytes: number): boolean {
    this.#refusals++
    if (this.#refusals < REFUSALS_FOR_OLDEST) return false
    this.#refusals = 0
    const [oldest] = this.#held
    oldest?.drop()
    return this.#bytes + bytes <= MAX_BYTES
  }

  #begin(): void {
    for (const chunk of this.#waiting) {
      if (this.#reading >= MAX_READING) return
      this.#waiting.delete(chunk)
      this.#reading++
      void chunk.begin().then(() => {
        this.#reading--
        this.#begin()
      })
    }
  }
}

class Chunk implements Ahead {
  readonly bytes: number
  readonly #all: ReadAheads
  readonly #read: () => Promise<SegmentRead>
  #result: Promise<SegmentRead | undefined> | undefined
  #isGone = false

  constructor(all: ReadAheads, bytes: number, read: () => Promise<SegmentRead>) {
    this.#all = all
    this.bytes = bytes
    this.#read = read
  }

  begin(): Promise<unknown> {
    // Who asks for it reads it then, and is told what is wrong.
    this.#result = this.#read().catch(() => undefined)
    return this.#result
  }

  take(): Promise<SegmentRead | undefined> | undefined {
    if (this.#isGone) return undefined
    this.#isGone = true
    this.#all.release(this)
    return this.#result
  }

  drop(): void {
    void this.take()?.then((read) => this.#all.giveBack(read))
  }
}
