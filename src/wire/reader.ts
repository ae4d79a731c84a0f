import { LONGEST_KEY } from '../base/hashed-keys.ts'
import { ZERO_UUID } from './schema.ts'
import { WireError } from './wire-error.ts'

/** Longest string of the protocol in bytes of UTF-8; its old length prefix is an int16. */
export const MAX_STRING_BYTES = 0x7fff
/** A string counts as one more entry for so many bytes. */
const BYTES_PER_ENTRY = 256
/** A set of strings that are no good keys takes quadratic time. */
const ENTRIES_OF_UNHASHED_STRING = 1024
const UNLIMITED_ENTRIES = 0x3fff_ffff

/**
 * Reads the protocol's primitive types from a buffer, front to back. Every method throws WireError, before it
 * allocates anything, when the bytes left are fewer than it needs; nothing is ever read past `end`.
 */
export class Reader {
  readonly buffer: Buffer
  /** The same bytes as `buffer`, at the same positions. */
  readonly view: DataView
  position: number
  end: number
  /**
   * How many more elements of arrays and tagged fields are read before it is a WireError. A few bytes each make objects
   * of ten times the memory, and whoever handles them looks at each; so long strings count for several, too.
   */
  entriesLeft = UNLIMITED_ENTRIES

  constructor(buffer: Buffer, start = 0, end: number = buffer.length) {
    this.buffer = buffer
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    this.position = start
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  /** Claims the next `size` bytes and returns the position of the first. */
  take(size: number): number {
    const position = this.position
    if (size > this.end - position) throw this.#tooShort(size)
    this.position = position + size
    return position
  }

  /** Narrows the reader to the next `size` bytes; `leave` with the returned value ends that. */
  enter(size: number): number {
    if (size > this.end - this.position) throw this.#tooShort(size)
    const outerEnd = this.end
    this.end = this.position + size
    return outerEnd
  }

  leave(outerEnd: number): void {
    if (this.position !== this.end) {
      throw new WireError(`${this.end - this.position} bytes left over in a tagged field at ${this.position}`)
    }
    this.end = outerEnd
  }

  int8(): number {
    return this.view.getInt8(this.take(1))
  }

  int16(): number {
    return this.view.getInt16(this.take(2))
  }

  uint16(): number {
    return this.view.getUint16(this.take(2))
  }

  int32(): number {
    return this.view.getInt32(this.take(4))
  }

  uint32(): number {
    return this.view.getUint32(this.take(4))
  }

  /** Exact up to 2^53; beyond it the nearest number, so that Kafka's extremes stay recognisable. */
  int64(): number {
    const position = this.take(8)
    return this.view.getInt32(position) * 0x1_0000_0000 + this.view.getUint32(position + 4)
  }

  int64Exact(): bigint {
    return this.view.getBigInt64(this.take(8))
  }

  float64(): number {
    return this.view.getFloat64(this.take(8))
  }

  bool(): boolean {
    return this.view.getInt8(this.take(1)) !== 0
  }

  uuid(): string {
    return this.uuidAt(this.take(16))
  }

  /** The uuid at bytes that were claimed before. */
  uuidAt(position: number): string {
    const { view } = this
    if (
      view.getInt32(position) === 0 &&
      view.getInt32(position + 4) === 0 &&
      view.getInt32(position + 8) === 0 &&
      view.getInt32(position + 12) === 0
    ) {
      return ZERO_UUID
    }
    return this.buffer.toString('base64url', position, position + 16)
  }

  /** An unsigned varint of at most five bytes, 0 to 2^32 - 1. */
  uvarint(): number {
    let byte = this.view.getUint8(this.take(1))
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      byte = this.view.getUint8(this.take(1))
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    byte = this.view.getUint8(this.take(1))
    if (byte >= 0x80) throw new WireError(`varint of more than five bytes at ${this.position - 5}`)
    return (value | (byte << 28)) >>> 0
  }

  string(): string | null {
    const length = this.int16()
    return length < 0 ? null : this.#text(length)
  }

  compactString(): string | null {
    const length = this.uvarint() - 1
    if (length < 0) return null
    if (length > MAX_STRING_BYTES) throw new WireError(`string of ${length} bytes at ${this.position}`)
    return this.#text(length)
  }

  /** A slice of the reader's buffer, which it keeps alive. */
  bytes(): Buffer | null {
    const length = this.int32()
    return length < 0 ? null : this.#slice(length)
  }

  compactBytes(): Buffer | null {
    const length = this.uvarint() - 1
    return length < 0 ? null : this.#slice(length)
  }

  /**
   * Number of elements of an array, -1 for null. `elementSize` is the least number of bytes that an element
   * takes: a count that the bytes left cannot hold is refused before the array is made.
   */
  arrayLength(elementSize: number): number {
    return this.#checkedLength(this.int32(), elementSize)
  }

  compactArrayLength(elementSize: number): number {
    return this.#checkedLength(this.uvarint() - 1, elementSize)
  }

  /** Number of the tagged fields of a struct. */
  tagCount(): number {
    const count = this.uvarint()
    if (count > 0) this.#count(count)
    return count
  }

  #count(entries: number): void {
    this.entriesLeft -= entries
    if (this.entriesLeft < 0)
      throw new WireError(`more entries than one message may have at ${this.position}`)
  }

  #checkedLength(length: number, elementSize: number): number {
    if (length < 0) return -1
    if (length * elementSize > this.end - this.position) {
      throw new WireError(
        `array of ${length} elements at ${this.position} with ${this.end - this.position} bytes left`,
      )
    }
    this.#count(length)
    return length
  }

  #text(length: number): string {
    if (length === 0) return ''
    if (length >= BYTES_PER_ENTRY)
      this.#count(length > LONGEST_KEY ? ENTRIES_OF_UNHASHED_STRING : Math.floor(length / BYTES_PER_ENTRY))
    const position = this.take(length)
    return this.buffer.toString('utf8', position, position + length)
  }

  #slice(length: number): Buffer {
    const position = this.take(length)
    return this.buffer.subarray(position, position + length)
  }

  #tooShort(size: number): WireError {
    return new WireError(`${size} bytes wanted at ${this.position} with ${this.end - this.position} left`)
  }
}
