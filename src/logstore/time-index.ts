import { NO_TIMESTAMP, readInt64, writeInt64 } from '../wire/batch.ts'
import { EntryFile } from './entry-file.ts'
import type { FileSystem } from './file-system.ts'

const ENTRY_SIZE = 12

export interface TimestampOffset {
  readonly timestamp: number
  /** The last offset of the batch that has it. */
  readonly offset: number
}

/**
 * The `.timeindex` of a segment: the largest timestamp so far and the last offset of its batch, relative to the
 * segment's base, both ascending (Kafka's `TimeIndex`). An entry says: no record up to this offset is later. The
 * segment's own maximum becomes the last entry when it rolls or closes. Durability is EntryFile's.
 */
export class TimeIndex {
  readonly file: EntryFile
  readonly #baseOffset: number

  constructor(fs: FileSystem, path: string, baseOffset: number) {
    this.file = new EntryFile(fs, path, ENTRY_SIZE)
    this.#baseOffset = baseOffset
  }

  get count(): number {
    return this.file.count
  }

  /** One place is kept for the entry that a roll adds. */
  isFull(maxBytes: number): boolean {
    return this.file.count >= Math.floor(maxBytes / ENTRY_SIZE) - 1
  }

  /** Does nothing unless both are above those of the last entry. */
  maybeAppend(timestamp: number, offset: number): void {
    const last = this.lastEntry
    if (timestamp <= last.timestamp || offset < last.offset) return
    const at = this.file.add()
    const buffer = this.file.buffer
    writeInt64(buffer, timestamp, at)
    buffer.writeUInt32BE(offset - this.#baseOffset, at + 8)
  }

  entry(index: number): TimestampOffset {
    const { buffer } = this.file
    return {
      timestamp: readInt64(buffer, index * ENTRY_SIZE),
      offset: this.#baseOffset + buffer.readUInt32BE(index * ENTRY_SIZE + 8),
    }
  }

  get lastEntry(): TimestampOffset {
    return this.count === 0
      ? { timestamp: NO_TIMESTAMP, offset: this.#baseOffset }
      : this.entry(this.count - 1)
  }

  /** The last entry whose timestamp is at most `timestamp`: all records up to its offset are no later than it. */
  lookup(timestamp: number): TimestampOffset {
    let low = -1
    let high = this.count - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.entry(middle).timestamp <= timestamp) low = middle
      else high = middle - 1
    }
    return low < 0 ? { timestamp: NO_TIMESTAMP, offset: this.#baseOffset } : this.entry(low)
  }

  /** Drops the entries of `offset` and above. */
  truncateTo(offset: number): void {
    let count = this.count
    while (count > 0 && this.entry(count - 1).offset >= offset) count--
    this.file.truncate(count)
  }

  /** What is wrong with it; undefined when it is sound. */
  fault(): string | undefined {
    if (this.file.strayBytes > 0) return `${this.file.strayBytes} bytes after the last entry`
    for (let index = 1; index < this.count; index++) {
      const before = this.entry(index - 1)
      const entry = this.entry(index)
      if (entry.timestamp <= before.timestamp || entry.offset < before.offset)
        return `entry ${index} is not above the one before`
    }
    return undefined
  }
}
