import { EntryFile } from './entry-file.ts'
import type { FileSystem } from './file-system.ts'

const ENTRY_SIZE = 8
/** Where the fields of an entry are. */
const OFFSET_AT = 0
const POSITION_AT = 4

export interface OffsetPosition {
  readonly offset: number
  /** Where in the `.log` the batch begins whose last offset that is. */
  readonly position: number
}

/**
 * The `.index` of a segment: for a batch every few kilobytes, its last offset relative to the segment's base and its
 * position, both 32 bits, ascending (Kafka's `OffsetIndex`). Durability is EntryFile's.
 */
export class OffsetIndex {
  readonly file: EntryFile
  readonly #baseOffset: number

  constructor(fs: FileSystem, path: string, baseOffset: number) {
    this.file = new EntryFile(fs, path, ENTRY_SIZE)
    this.#baseOffset = baseOffset
  }

  get count(): number {
    return this.file.count
  }

  isFull(maxBytes: number): boolean {
    return this.file.count >= Math.floor(maxBytes / ENTRY_SIZE)
  }

  append(offset: number, position: number): void {
    const at = this.file.add()
    const buffer = this.file.buffer
    buffer.writeUInt32BE(offset - this.#baseOffset, at)
    buffer.writeUInt32BE(position, at + 4)
  }

  entry(index: number): OffsetPosition {
    const { buffer } = this.file
    return {
      offset: this.#baseOffset + buffer.readUInt32BE(index * ENTRY_SIZE),
      position: buffer.readUInt32BE(index * ENTRY_SIZE + 4),
    }
  }

  get lastEntry(): OffsetPosition {
    return this.count === 0 ? { offset: this.#baseOffset, position: 0 } : this.entry(this.count - 1)
  }

  /** A position at or before the batch that holds `offset`: of the largest entry up to it, or the segment's start. */
  lookup(offset: number): number {
    const index = this.#lastIndex(OFFSET_AT, offset - this.#baseOffset)
    return index < 0 ? 0 : this.file.buffer.readUInt32BE(index * ENTRY_SIZE + 4)
  }

  /** The last entry whose batch begins at `position` or before it; undefined for none. */
  lastUpTo(position: number): OffsetPosition | undefined {
    const index = this.#lastIndex(POSITION_AT, position)
    return index < 0 ? undefined : this.entry(index)
  }

  /** Drops the entries of `offset` and above. */
  truncateTo(offset: number): void {
    this.file.truncate(this.#lastIndex(OFFSET_AT, offset - this.#baseOffset - 1) + 1)
  }

  /** What is wrong with it for a segment of `logSize` bytes; undefined when it fits. */
  fault(logSize: number): string | undefined {
    const { count, file } = this
    if (file.strayBytes > 0) return `${file.strayBytes} bytes after the last entry`
    const { buffer } = file
    let lastOffset = -1
    let lastPosition = -1
    for (let index = 0; index < count; index++) {
      const offset = buffer.readUInt32BE(index * ENTRY_SIZE)
      const position = buffer.readUInt32BE(index * ENTRY_SIZE + 4)
      if (offset <= lastOffset || position <= lastPosition)
        return `entry ${index} is not above the one before`
      lastOffset = offset
      lastPosition = position
    }
    if (lastPosition >= logSize) return `an entry points to ${lastPosition} in a segment of ${logSize} bytes`
    return undefined
  }

  /** Of the entries whose field at `field` is `value` or less; -1 for none. Both fields ascend. */
  #lastIndex(field: number, value: number): number {
    const { buffer } = this.file
    let low = -1
    let high = this.count - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (buffer.readUInt32BE(middle * ENTRY_SIZE + field) <= value) low = middle
      else high = middle - 1
    }
    return low
  }
}
