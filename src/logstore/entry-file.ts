import type { File, FileSystem } from './file-system.ts'
import { hasCode } from './log-errors.ts'

const FIRST_ENTRIES = 16
const NO_ENTRIES: Buffer = Buffer.alloc(0)
/** Not worth to be read again: as much as an object of this class takes anyway. */
const SMALL_BYTES = 256

/**
 * A file of entries of one size, kept in memory as one growing buffer: what the indexes of a segment have in common.
 * Loaded when first asked for, so that a log that nobody reads costs nothing.
 *
 * New entries are in memory alone until `write`; the log writes them when it rolls, flushes or closes, always before
 * its recovery point moves over them. Kafka preallocates the file of an active segment, so that after a kill it ends
 * in zeros: entries of zeros at the end are no entries.
 */
export class EntryFile {
  #path: string
  readonly #fs: FileSystem
  readonly #entrySize: number
  readonly #optional: boolean
  #buffer: Buffer | undefined
  #count = 0
  /** Entries that the file holds as they are in memory. */
  #written = 0
  /** The file on disk is longer than what is written, or missing. */
  #untidy = false
  #unsynced = false
  /** Undefined where nobody has looked. */
  #exists: boolean | undefined
  #nameUnsynced = false

  /** `optional`: no file is made before there is an entry to hold. */
  constructor(fs: FileSystem, path: string, entrySize: number, optional = false) {
    this.#fs = fs
    this.#path = path
    this.#entrySize = entrySize
    this.#optional = optional
  }

  get path(): string {
    return this.#path
  }

  /** The file has another name now. */
  set path(path: string) {
    this.#path = path
  }

  get count(): number {
    this.load()
    return this.#count
  }

  /** Holds the entries; valid until the next `add`. */
  get buffer(): Buffer {
    return this.load()
  }

  /** The bytes at the end of the file that are neither entries nor zeros. */
  strayBytes = 0

  get isInMemory(): boolean {
    return this.#buffer !== undefined
  }

  /** Room for one more entry at the end; the caller fills it. Returns where it begins in `buffer`. */
  add(): number {
    let buffer = this.load()
    const at = this.#count * this.#entrySize
    if (at + this.#entrySize > buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, FIRST_ENTRIES * this.#entrySize))
      buffer.copy(grown, 0, 0, at)
      buffer = grown
      this.#buffer = grown
    }
    this.#count++
    return at
  }

  /**
   * The entries from `count` on are given again with `put`. Those that the file holds already are not written anew, so
   * that what is on the device stays there.
   */
  rewind(count: number): void {
    this.load()
    if (count < this.#count) this.#count = count
  }

  /** Adds `entry`, which is copied. */
  put(entry: Buffer): void {
    const at = this.#count * this.#entrySize
    if (this.#count < this.#written) {
      if (
        this.load()
          .subarray(at, at + this.#entrySize)
          .equals(entry)
      ) {
        this.#count++
        // Whoever wrote it, and gave the file its name, may have been killed before it was synced.
        this.#unsynced = true
        this.#nameUnsynced = true
        return
      }
      this.#written = this.#count
      this.#untidy = true
    }
    this.add()
    entry.copy(this.load(), at)
  }

  /** Keeps the first `count` entries. */
  truncate(count: number): void {
    this.load()
    if (count >= this.#count) return
    this.#count = count
    if (count < this.#written) {
      this.#written = count
      this.#untidy = true
    }
  }

  /** Starts anew, whatever the file holds. */
  reset(): void {
    this.#buffer = NO_ENTRIES
    this.#count = 0
    this.#written = 0
    this.#untidy = true
    this.strayBytes = 0
  }

  /** Makes the file hold what memory holds, in the page cache. */
  write(): void {
    if (this.#buffer === undefined || (this.#written === this.#count && !this.#untidy)) return
    if (this.#written > this.#count) {
      this.#written = this.#count
      this.#untidy = true
    }
    this.#exists ??= this.#fs.exists(this.#path)
    if (this.#optional && this.#count === 0 && !this.#exists) return
    const file = this.#fs.open(this.#path, 'write')
    if (!this.#exists) this.#nameUnsynced = true
    this.#exists = true
    try {
      if (this.#untidy) file.truncate(this.#written * this.#entrySize)
      // A write that fails may leave a part of itself.
      this.#untidy = true
      const from = this.#written * this.#entrySize
      const to = this.#count * this.#entrySize
      if (to > from) file.write([this.#buffer.subarray(from, to)], from)
      this.#written = this.#count
      this.#untidy = false
      this.#unsynced = true
    } finally {
      file.close()
    }
  }

  /** Writes, and returns the file to sync, open, where something was written since the last time; the caller closes it. */
  writeForSync(): File | undefined {
    this.write()
    if (!this.#unsynced) return undefined
    const file = this.#fs.open(this.#path, 'write')
    this.#unsynced = false
    return file
  }

  /** The file was made since the last time that was asked: somebody has to sync its directory. */
  takeNewName(): boolean {
    const isNew = this.#nameUnsynced
    this.#nameUnsynced = false
    return isNew
  }

  /** Writes and forgets; the next use loads again. */
  release(): void {
    this.write()
    this.#buffer = undefined
  }

  /** As `release`, where that frees memory worth the reading. */
  releaseIfLarge(): void {
    if (this.#buffer !== undefined && this.#buffer.length > SMALL_BYTES) this.release()
  }

  /** As `release`, for a file that is going away. */
  discard(): void {
    this.#buffer = undefined
  }

  /** Into memory; does nothing where it is. */
  load(): Buffer {
    if (this.#buffer !== undefined) return this.#buffer
    let buffer = NO_ENTRIES
    this.#untidy = false
    this.strayBytes = 0
    try {
      const file = this.#fs.open(this.#path, 'read')
      this.#exists = true
      try {
        buffer = readEntries(file)
      } finally {
        file.close()
      }
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
      this.#untidy = true
      this.#exists = false
    }
    let end = buffer.length
    // Nobody preallocates a single entry: that one may be all zeros (the first record, at the epoch of time).
    if (end > this.#entrySize) while (end > 0 && buffer[end - 1] === 0) end--
    // An entry may itself end in zeros.
    this.#count = Math.ceil(end / this.#entrySize)
    if (this.#count * this.#entrySize > buffer.length) {
      this.#count = Math.floor(end / this.#entrySize)
      this.strayBytes = end - this.#count * this.#entrySize
    }
    this.#written = this.#count
    if (buffer.length !== this.#count * this.#entrySize) this.#untidy = true
    // What is kept must not pin ten megabytes of padding.
    if (buffer.length > this.#count * this.#entrySize * 2)
      buffer = Buffer.from(buffer.subarray(0, this.#count * this.#entrySize))
    this.#buffer = buffer
    return buffer
  }
}

const CHUNK = 65_536

/** All of the file up to where only zeros come: a preallocated index of ten megabytes is not read whole. */
function readEntries(file: File): Buffer {
  const size = file.size()
  if (size === 0) return NO_ENTRIES
  const buffer = Buffer.alloc(size)
  let at = 0
  while (at < size) {
    const count = file.read(buffer, at, Math.min(CHUNK, size - at), at)
    if (count === 0) break
    const chunk = buffer.subarray(at, at + count)
    at += count
    if (chunk[0] === 0 && chunk.every((byte) => byte === 0)) break
  }
  return buffer.subarray(0, at)
}
