import { type Bytes, inMemory } from '../base/file-slice.ts'
import { MAX_STRING_BYTES } from './reader.ts'
import { MAX_INT64, ZERO_UUID } from './schema.ts'
import { EncodeError } from './wire-error.ts'

const FIRST_CHUNK = 512
const LARGEST_CHUNK = 64 * 1024
/** Up to here a loop over the characters of ASCII text beats the call into native code. */
const SHORT_TEXT = 16
/**
 * Up to here a copy of records costs less than parts of their own for the kernel to gather: 3 % of the broker's time with
 * 100 consumers of records of 1 KB. With what stands before them they fit into Node's pool for small buffers.
 */
const COPIED_RECORDS = 3 * 1024
/** Room for what comes behind records that are copied. */
const BEHIND_RECORDS = 64
/** From here the exact length of text is worth counting before room is made for it. */
const LONG_TEXT = 1024

/**
 * Writes the protocol's primitive types into chunks that it makes as needed. Large record sets are taken over as they
 * are, between the chunks, so `finish` gives a list of parts to hand to the socket one after the other.
 */
export class Writer {
  buffer: Buffer
  /** The same bytes as `buffer`, at the same positions. */
  view: DataView
  /** Where the next byte goes in `buffer`. */
  position = 0
  /** Where the bytes not yet in `#chunks` begin in `buffer`. */
  #start = 0
  #chunks: Bytes[] = []
  #chunkBytes = 0
  #tagged: Writer | undefined

  constructor(capacity: number = FIRST_CHUNK) {
    this.buffer = Buffer.allocUnsafe(capacity)
    this.view = viewOf(this.buffer)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#chunkBytes + this.position - this.#start
  }

  /** Ends the message: its bytes in order. The writer must not be used again but through `reset`. */
  finish(): Bytes[] {
    this.#closeChunk()
    return this.#chunks
  }

  /** The message in one buffer, for small ones that are stored rather than sent. */
  toBuffer(): Buffer {
    const chunks = inMemory(this.finish())
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
  }

  /** Makes room for `size` contiguous bytes and returns the position of the first. */
  reserve(size: number): number {
    if (size > this.buffer.length - this.position) this.#nextChunk(size)
    const { position } = this
    this.position = position + size
    return position
  }

  int8(value: number): void {
    const position = this.reserve(1)
    this.view.setInt8(position, value)
  }

  int16(value: number): void {
    const position = this.reserve(2)
    this.view.setInt16(position, value)
  }

  uint16(value: number): void {
    const position = this.reserve(2)
    this.view.setUint16(position, value)
  }

  int32(value: number): void {
    const position = this.reserve(4)
    this.view.setInt32(position, value)
  }

  uint32(value: number): void {
    const position = this.reserve(4)
    this.view.setUint32(position, value)
  }

  int64(value: number): void {
    this.int64At(this.reserve(8), value)
  }

  /** Writes at reserved bytes; values beyond Kafka's long saturate. */
  int64At(position: number, value: number): void {
    const { view } = this
    if (value >= MAX_INT64) {
      view.setInt32(position, 0x7fff_ffff)
      view.setInt32(position + 4, -1)
    } else if (value < -MAX_INT64) {
      view.setInt32(position, -0x8000_0000)
      view.setInt32(position + 4, 0)
    } else {
      const high = Math.floor(value / 0x1_0000_0000)
      view.setInt32(position, high)
      view.setUint32(position + 4, value - high * 0x1_0000_0000)
    }
  }

  int64Exact(value: bigint): void {
    const position = this.reserve(8)
    this.view.setBigInt64(position, value)
  }

  float64(value: number): void {
    const position = this.reserve(8)
    this.view.setFloat64(position, value)
  }

  bool(value: boolean): void {
    const position = this.reserve(1)
    this.view.setInt8(position, value ? 1 : 0)
  }

  uuid(value: string): void {
    this.uuidAt(this.reserve(16), value)
  }

  /** Writes at reserved bytes. */
  uuidAt(position: number, value: string): void {
    if (value === ZERO_UUID) {
      this.buffer.fill(0, position, position + 16)
      return
    }
    if (value.length !== 22) throw notUuid(value)
    // By hand: Buffer's own base64url costs ten times as much on so short a text.
    const { view } = this
    let at = position
    for (let index = 0; index < 20; index += 4) {
      const bits =
        (sextet(value, index) << 18) |
        (sextet(value, index + 1) << 12) |
        (sextet(value, index + 2) << 6) |
        sextet(value, index + 3)
      view.setUint16(at, bits >> 8)
      view.setUint8(at + 2, bits)
      at += 3
    }
    view.setUint8(at, (sextet(value, 20) << 2) | (sextet(value, 21) >> 4))
  }

  /** An unsigned varint, 0 to 2^32 - 1. */
  uvarint(value: number): void {
    let position = this.reserve(uvarintSize(value))
    let rest = value
    while (rest > 0x7f) {
      this.view.setUint8(position++, (rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.view.setUint8(position, rest)
  }

  string(value: string | null): void {
    if (value === null) {
      this.int16(-1)
      return
    }
    const at = this.reserve(2 + maxTextBytes(value))
    const length = this.#text(value, at + 2)
    this.view.setInt16(at, length)
    this.position = at + 2 + length
  }

  compactString(value: string | null): void {
    if (value === null) {
      this.uvarint(0)
      return
    }
    const most = maxTextBytes(value)
    // Only when the longest form still has a one-byte length is the prefix known before the text is written.
    if (most < 0x7f) {
      const at = this.reserve(1 + most)
      const length = this.#text(value, at + 1)
      this.view.setUint8(at, length + 1)
      this.position = at + 1 + length
      return
    }
    const length = Buffer.byteLength(value)
    this.uvarint(checkedTextLength(length) + 1)
    const at = this.reserve(length)
    this.buffer.write(value, at, length)
  }

  bytes(value: Buffer | null): void {
    if (value === null) {
      this.int32(-1)
      return
    }
    this.int32(value.length)
    this.raw(value)
  }

  compactBytes(value: Buffer | null): void {
    if (value === null) {
      this.uvarint(0)
      return
    }
    this.uvarint(value.length + 1)
    this.raw(value)
  }

  /** Length and slices of a record set; large slices become part of the message as they are. */
  records(value: Buffer | readonly Bytes[] | null): void {
    if (value === null) {
      this.int32(-1)
      return
    }
    const length = byteLengthOf(value)
    this.int32(length)
    this.#appendRecords(value, length)
  }

  compactRecords(value: Buffer | readonly Bytes[] | null): void {
    if (value === null) {
      this.uvarint(0)
      return
    }
    const length = byteLengthOf(value)
    this.uvarint(length + 1)
    this.#appendRecords(value, length)
  }

  #appendRecords(value: Buffer | readonly Bytes[], length: number): void {
    const parts = Buffer.isBuffer(value) ? [value] : value
    if (length > COPIED_RECORDS || !parts.every((part) => Buffer.isBuffer(part))) {
      this.append(value)
      return
    }
    if (length > this.buffer.length - this.position) {
      // Only a head goes with its records: what holds records of others already would be copied once for each of them.
      if (this.position - this.#start <= FIRST_CHUNK) this.#moveChunk(length + BEHIND_RECORDS)
      else this.#nextChunk(length + BEHIND_RECORDS)
    }
    for (const part of parts) this.raw(part)
  }

  /** Copies bytes. */
  raw(value: Buffer): void {
    const position = this.reserve(value.length)
    value.copy(this.buffer, position)
  }

  /** Takes buffers over without a copy. */
  append(value: Buffer | readonly Bytes[]): void {
    this.#closeChunk()
    if (Buffer.isBuffer(value)) {
      this.#addChunk(value)
      return
    }
    for (const buffer of value) this.#addChunk(buffer)
  }

  /** A writer for the value of a tagged field, whose length must be known before it; `closeTagged` adds it here. */
  openTagged(): Writer {
    this.#tagged ??= new Writer(128)
    this.#tagged.reset()
    return this.#tagged
  }

  closeTagged(tag: number): void {
    const value = this.#tagged
    if (value === undefined) throw new EncodeError('closeTagged without openTagged')
    this.uvarint(tag)
    this.uvarint(value.length)
    for (const chunk of inMemory(value.finish())) this.raw(chunk)
  }

  /** Forgets what was written and starts over in the same memory. */
  reset(): void {
    this.position = 0
    this.#start = 0
    this.#chunks = []
    this.#chunkBytes = 0
  }

  #text(value: string, position: number): number {
    const { length } = value
    if (length <= SHORT_TEXT) {
      let index = 0
      for (; index < length; index++) {
        const code = value.charCodeAt(index)
        if (code > 0x7f) break
        this.view.setUint8(position + index, code)
      }
      if (index === length) return length
    }
    return checkedTextLength(this.buffer.write(value, position))
  }

  #addChunk(chunk: Bytes): void {
    if (chunk.length === 0) return
    this.#chunks.push(chunk)
    this.#chunkBytes += chunk.length
  }

  #closeChunk(): void {
    if (this.position > this.#start) this.#addChunk(this.buffer.subarray(this.#start, this.position))
    this.#start = this.position
  }

  /** Makes room behind what is not in a chunk yet, which stays with it. */
  #moveChunk(size: number): void {
    const open = this.buffer.subarray(this.#start, this.position)
    this.#begin(open.length + size)
    open.copy(this.buffer)
    this.position = open.length
  }

  #nextChunk(size: number): void {
    this.#closeChunk()
    this.#begin(Math.max(size, Math.min(this.buffer.length * 2, LARGEST_CHUNK)))
  }

  #begin(bytes: number): void {
    this.buffer = Buffer.allocUnsafe(bytes)
    this.view = viewOf(this.buffer)
    this.position = 0
    this.#start = 0
  }
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** Value of each ASCII character in base64url, -1 for the others. */
const sextets = Int8Array.from({ length: 128 }, (_, code) => ALPHABET.indexOf(String.fromCharCode(code)))

function sextet(text: string, index: number): number {
  const value = sextets[text.charCodeAt(index)] ?? -1
  if (value < 0) throw notUuid(text)
  return value
}

function notUuid(value: string): EncodeError {
  return new EncodeError(`not a uuid in base64url: ${value}`)
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

function uvarintSize(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  if (value < 0x20_0000) return 3
  return value < 0x1000_0000 ? 4 : 5
}

/** No UTF-16 code unit takes more than three bytes of UTF-8. */
function maxTextBytes(value: string): number {
  return value.length < LONG_TEXT ? value.length * 3 : checkedTextLength(Buffer.byteLength(value))
}

function checkedTextLength(length: number): number {
  if (length > MAX_STRING_BYTES) throw new EncodeError(`string of ${length} bytes`)
  return length
}

function byteLengthOf(value: Buffer | readonly Bytes[]): number {
  if (Buffer.isBuffer(value)) return value.length
  let total = 0
  for (const buffer of value) total += buffer.length
  return total
}
