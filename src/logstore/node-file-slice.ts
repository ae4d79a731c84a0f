import { read } from 'node:fs'
import { systemClock } from '../base/clock.ts'
import { FileSlice } from '../base/file-slice.ts'
import { MOST_SENT_BYTES, type NativeCalls, nativeCalls } from './native-calls.ts'

const SMALLEST_BYTES = 128 * 1024
const AT_ONCE_BYTES = 1024 * 1024
/** The hop to the thread pool costs ten times as much as so few bytes that the kernel has in memory. */
const READ_AT_ONCE_BYTES = 16 * 1024
/** So many slices, and something about the file is in the way. */
const MOST_MISSED = 16
/** Looks at a file that are remembered: what is sent and what comes behind it, of a few readers. */
const MAX_LOOKS = 8
/** For so long, what was in memory is not looked at as closely. Pages that went and came back since may be on their way. */
const LOOK_LASTS_MS = 100

/** What a slice needs of its file, whose descriptor stays open for it. */
export interface SlicedFile {
  readonly path: string
  /** Slices of which nothing could be sent, since something of one could. */
  slicesMissed: number
  /** What was in memory when it was looked at, the latest last. */
  looks: Look[] | undefined
  /** The slice needs the descriptor no more. */
  releaseSlice(): void
}

/** Positions, and when that was by the system's monotonic clock. */
export interface Look {
  readonly from: number
  readonly to: number
  readonly atMs: number
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
    if (calls === undefined || !isInMemory(calls, file, handle, position, length + more)) return undefined
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

  sendTo(socketDescriptor: number, head?: Buffer): number | undefined {
    if (head !== undefined && head.length > MOST_SENT_BYTES) return 0
    const length = Math.min(this.#length, AT_ONCE_BYTES)
    // The event loop waits for nobody's disk.
    if (!isInMemory(this.#calls, this.#file, this.#handle, this.#position, length)) return undefined
    const before = head === undefined ? 0 : Math.max(0, this.#calls.sendMore(socketDescriptor, head))
    if (head !== undefined && before < head.length) return before
    const sent = Math.max(0, this.#calls.sendFile(socketDescriptor, this.#handle, this.#position, length))
    if (sent > 0) {
      this.#isSent = true
      // Where one could not be read, it stays so.
      if (this.#file.slicesMissed < MOST_MISSED) this.#file.slicesMissed = 0
    }
    this.#advance(sent)
    return before + sent
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

  #readSome(target: Buffer): number | Promise<number> {
    if (target.length <= READ_AT_ONCE_BYTES) {
      const count = this.#calls.readInMemory(this.#handle, target, this.#position)
      if (count > 0) return count
    }
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

/** Looked at when a slice is thought of, made and sent: as a rule a moment apart, and by one reader of the file. */
function isInMemory(
  calls: NativeCalls,
  file: SlicedFile,
  handle: number,
  position: number,
  length: number,
): boolean {
  const end = position + length
  const now = systemClock.monotonicMs()
  file.looks ??= []
  for (const { from, to, atMs } of file.looks)
    if (from <= position && end <= to && now - atMs < LOOK_LASTS_MS)
      return calls.isStillInMemory(handle, position, length)
  if (!calls.isInMemory(handle, position, length)) return false
  if (file.looks.length === MAX_LOOKS) file.looks.shift()
  file.looks.push({ from: position, to: end, atMs: now })
  return true
}

function fileEndsAt(position: number, path: string): Error {
  return Object.assign(new Error(`EIO: file ends at ${position}, '${path}'`), { code: 'EIO', path })
}
