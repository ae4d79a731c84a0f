import { read } from 'node:fs'
import { FileSlice } from '../base/file-slice.ts'
import { type NativeCalls, nativeCalls } from './native-calls.ts'

const SMALLEST_BYTES = 128 * 1024
const AT_ONCE_BYTES = 1024 * 1024
/** So many slices, and something about the file is in the way. */
const MOST_MISSED = 16

/** What a slice needs of its file, whose descriptor stays open for it. */
export interface SlicedFile {
  readonly path: string
  /** Slices of which nothing could be sent, since something of one could. */
  slicesMissed: number
  /** The slice needs the descriptor no more. */
  releaseSlice(): void
}

const forgottenSlices = new FinalizationRegistry<SlicedFile>((file) => file.releaseSlice())

/** A slice that Linux sends. */
export class NodeFileSlice extends FileSlice {
  readonly #calls: NativeCalls
  readonly #file: SlicedFile
  readonly #handle: number
  #position: number
  #length: number
  #isSent = false
  #isReading = false
  #isReleased = false

  /**
   * Undefined where files are not sent so, where the kernel has not all of it in memory, and `more` bytes behind it, and
   * for so few bytes that it costs as much to read and write them.
   */
  static of(
    file: SlicedFile,
    handle: number,
    position: number,
    length: number,
    more: number,
  ): NodeFileSlice | undefined {
    if (length < SMALLEST_BYTES || file.slicesMissed >= MOST_MISSED) return undefined
    const calls = nativeCalls()
    if (calls?.isInMemory(handle, position, length + more) !== true) return undefined
    return new NodeFileSlice(calls, file, handle, position, length)
  }

  private constructor(
    calls: NativeCalls,
    file: SlicedFile,
    handle: number,
    position: number,
    length: number,
  ) {
    super()
    this.#calls = calls
    this.#file = file
    this.#handle = handle
    this.#position = position
    this.#length = length
    forgottenSlices.register(this, file, this)
  }

  get length(): number {
    return this.#length
  }

  sendTo(socketDescriptor: number): number {
    const length = Math.min(this.#length, AT_ONCE_BYTES)
    // The event loop waits for nobody's disk.
    const sent = this.#calls.isInMemory(this.#handle, this.#position, length)
      ? Math.max(0, this.#calls.sendFile(socketDescriptor, this.#handle, this.#position, length))
      : 0
    if (sent > 0) {
      this.#isSent = true
      // Where one could not be read, it stays so.
      if (this.#file.slicesMissed < MOST_MISSED) this.#file.slicesMissed = 0
    }
    this.#advance(sent)
    return sent
  }

  async read(target: Buffer): Promise<void> {
    this.#isReading = true
    try {
      for (let done = 0; done < target.length; ) {
        const count = await this.#readSome(target.subarray(done))
        if (count === 0) throw fileEndsAt(this.#position, this.#file.path)
        done += count
        this.#advance(count)
      }
      if (this.#length === 0 && !this.#isSent) this.#file.slicesMissed++
    } catch (error) {
      // Who asks for it again reads it into memory, and is told of the error.
      this.#file.slicesMissed = MOST_MISSED
      throw error
    } finally {
      this.#isReading = false
      if (this.#isReleased) this.#file.releaseSlice()
    }
  }

  #readSome(target: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#handle, target, 0, target.length, this.#position, (error, count) => {
        if (error) reject(Object.assign(error, { path: this.#file.path }))
        else resolve(count)
      })
    })
  }

  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    forgottenSlices.unregister(this)
    if (!this.#isReading) this.#file.releaseSlice()
  }

  #advance(bytes: number): void {
    this.#position += bytes
    this.#length -= bytes
  }
}

function fileEndsAt(position: number, path: string): Error {
  return Object.assign(new Error(`EIO: file ends at ${position}, '${path}'`), { code: 'EIO', path })
}
