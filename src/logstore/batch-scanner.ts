import { type BatchFault, batchFaultAt, batchLength, LOG_OVERHEAD, RecordBatch } from '../wire/batch.ts'
import type { File } from './file-system.ts'

/** Enough for the batches between two index entries, so that a look-up is one read. */
const DEFAULT_CHUNK_BYTES = 16_384

/**
 * Walks the batches of a `.log` from one position to another, reading chunk by chunk: for recovery, look-ups and
 * replay, not for serving fetches. Looks at framing only, not at CRCs.
 */
export class BatchScanner {
  readonly #file: File
  readonly #end: number
  #chunk: Buffer
  /** Where the chunk begins in the file, and how much of it is filled. */
  #chunkAt: number
  #filled = 0
  #next: number
  /** Where the batch that `next` gave last begins in the file. */
  position: number
  /** Why the walk ended before the end; `position` is then where. */
  fault: BatchFault | undefined

  constructor(file: File, from: number, end: number, chunkBytes: number = DEFAULT_CHUNK_BYTES) {
    this.#file = file
    this.#end = end
    this.#chunk = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(0, end - from)))
    this.#chunkAt = from
    this.#next = from
    this.position = from
  }

  /** A view that is valid until the next call; undefined at the end or at a fault. */
  next(): RecordBatch | undefined {
    this.position = this.#next
    if (this.#next >= this.#end || this.fault !== undefined) return undefined
    let at = this.#next - this.#chunkAt
    let fault = batchFaultAt(this.#chunk, at, this.#filled)
    if (fault === 'too-short') {
      this.#refill(at)
      at = 0
      fault = batchFaultAt(this.#chunk, at, this.#filled)
      if (fault === 'too-short' && this.#filled >= LOG_OVERHEAD && this.#growToBatch())
        fault = batchFaultAt(this.#chunk, at, this.#filled)
    }
    this.fault = fault
    if (fault !== undefined) return undefined
    const batch = new RecordBatch(this.#chunk, at)
    this.#next += batch.sizeInBytes
    return batch
  }

  /** Moves what is left from `at` to the front and reads on. A chunk handed out before is not reused. */
  #refill(at: number): void {
    const left = this.#chunk.subarray(at, this.#filled)
    const capacity = Math.min(this.#chunk.length, this.#end - this.#next)
    this.#read(left, Math.max(capacity, left.length))
  }

  /** False where the file can't hold a batch of that length. */
  #growToBatch(): boolean {
    const size = LOG_OVERHEAD + batchLength(this.#chunk, 0)
    if (size <= this.#chunk.length || size > this.#end - this.#next) return false
    this.#read(this.#chunk.subarray(0, this.#filled), size)
    return true
  }

  #read(left: Buffer, capacity: number): void {
    const chunk = Buffer.allocUnsafe(capacity)
    left.copy(chunk)
    const count = this.#file.read(chunk, left.length, capacity - left.length, this.#next + left.length)
    this.#chunk = chunk
    this.#chunkAt = this.#next
    this.#filled = left.length + count
  }
}
