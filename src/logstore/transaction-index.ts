import { readInt64, writeInt64 } from '../wire/batch.ts'
import { EntryFile } from './entry-file.ts'
import type { FileSystem } from './file-system.ts'

const ENTRY_SIZE = 34
const ENTRY_VERSION = 0

/** A transaction that was aborted, with its marker in this segment. */
export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the marker. */
  readonly lastOffset: number
  /** When the marker was written, all below was decided. */
  readonly lastStableOffset: number
}

/**
 * The `.txnindex` of a segment: the aborted transactions whose markers are in it, in the order of the markers (Kafka's
 * `TransactionIndex`, `AbortedTxn`). The file is made with its first entry. Durability is EntryFile's.
 */
export class TransactionIndex {
  readonly file: EntryFile

  constructor(fs: FileSystem, path: string) {
    this.file = new EntryFile(fs, path, ENTRY_SIZE, true)
  }

  get count(): number {
    return this.file.count
  }

  append(aborted: AbortedTransaction): void {
    const entry = Buffer.alloc(ENTRY_SIZE)
    entry.writeInt16BE(ENTRY_VERSION, 0)
    writeInt64(entry, aborted.producerId, 2)
    writeInt64(entry, aborted.firstOffset, 10)
    writeInt64(entry, aborted.lastOffset, 18)
    writeInt64(entry, aborted.lastStableOffset, 26)
    this.file.put(entry)
  }

  entry(index: number): AbortedTransaction {
    const { buffer } = this.file
    const at = index * ENTRY_SIZE
    return {
      producerId: readInt64(buffer, at + 2),
      firstOffset: readInt64(buffer, at + 10),
      lastOffset: readInt64(buffer, at + 18),
      lastStableOffset: readInt64(buffer, at + 26),
    }
  }

  /**
   * Adds those that touch `[fromOffset, toOffset)` to `found`. Returns true when later segments can hold no more:
   * everything below `toOffset` was decided when some entry was written.
   */
  collect(fromOffset: number, toOffset: number, found: AbortedTransaction[]): boolean {
    for (let index = 0; index < this.count; index++) {
      const entry = this.entry(index)
      if (entry.lastOffset >= fromOffset && entry.firstOffset < toOffset) found.push(entry)
      if (entry.lastStableOffset >= toOffset) return true
    }
    return false
  }

  /** Drops the transactions whose marker is at `offset` or above. */
  truncateTo(offset: number): void {
    this.file.truncate(this.#countBelow(offset))
  }

  /** As `truncateTo`, where they are going to be appended again: see `EntryFile.rewind`. */
  rewindTo(offset: number): void {
    this.file.rewind(this.#countBelow(offset))
  }

  #countBelow(offset: number): number {
    let { count } = this
    while (count > 0 && this.entry(count - 1).lastOffset >= offset) count--
    return count
  }

  /** What is wrong with it for a segment that starts at `baseOffset`; undefined when it fits. */
  fault(baseOffset: number): string | undefined {
    if (this.file.strayBytes > 0) return `${this.file.strayBytes} bytes after the last entry`
    for (let index = 0; index < this.count; index++) {
      const version = this.file.buffer.readInt16BE(index * ENTRY_SIZE)
      if (version !== ENTRY_VERSION) return `entry ${index} has version ${version}`
      if (this.entry(index).lastOffset < baseOffset) return `entry ${index} ends before the segment`
    }
    return undefined
  }
}
