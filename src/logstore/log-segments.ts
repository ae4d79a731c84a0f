import { invariant } from '../base/invariant.ts'
import type { LogSegment } from './segment.ts'
import type { AbortedTransaction } from './transaction-index.ts'

/** The segments of a log by base offset. The last one is the active one. */
export class LogSegments {
  #list: LogSegment[] = []
  /** How often any have gone, or given their places to others. */
  removals = 0

  get count(): number {
    return this.#list.length
  }
  get all(): readonly LogSegment[] {
    return this.#list
  }
  get first(): LogSegment {
    const segment = this.#list[0]
    invariant(segment !== undefined, 'a log has a segment')
    return segment
  }
  get active(): LogSegment {
    const segment = this.#list.at(-1)
    invariant(segment !== undefined, 'a log has a segment')
    return segment
  }
  get size(): number {
    let size = 0
    for (const segment of this.#list) size += segment.size
    return size
  }

  add(segment: LogSegment): void {
    const index = this.#floorIndex(segment.baseOffset)
    invariant(this.#list[index]?.baseOffset !== segment.baseOffset, `one segment at ${segment.baseOffset}`)
    this.#list.splice(index + 1, 0, segment)
  }

  remove(segments: readonly LogSegment[]): void {
    this.removals++
    this.#list = this.#list.filter((segment) => !segments.includes(segment))
  }

  /** The segment with the largest base offset up to `offset`. */
  floor(offset: number): LogSegment | undefined {
    return this.#list[this.#floorIndex(offset)]
  }

  /** The segment that follows. */
  after(segment: LogSegment): LogSegment | undefined {
    return this.#list[this.#floorIndex(segment.baseOffset) + 1]
  }

  /** Those that may hold `offset` or something above it. */
  from(offset: number): LogSegment[] {
    return this.#list.slice(Math.max(0, this.#floorIndex(offset)))
  }

  /** The aborted transactions that touch `[fromOffset, toOffset)`. */
  abortedTransactions(fromOffset: number, toOffset: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = []
    for (const segment of this.from(fromOffset)) {
      if (segment.transactionIndex.collect(fromOffset, toOffset, found)) break
    }
    return found
  }

  #floorIndex(offset: number): number {
    // Nearly every question is about the active segment.
    let low = -1
    let high = this.#list.length - 1
    if (high >= 0 && this.#list[high]!.baseOffset <= offset) return high
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.#list[middle]!.baseOffset <= offset) low = middle
      else high = middle - 1
    }
    return low
  }
}
