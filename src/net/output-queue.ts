import type { Socket } from 'node:net'
import type { BufferPool } from '../base/buffer-pool.ts'
import type { Bytes, FileSlice } from '../base/file-slice.ts'
import { descriptorOf } from './descriptor.ts'

/** One step of writing; a slow reader shows progress at this grain, and one answer never fills the socket's queue. */
const STEP_BYTES = 1024 * 1024

/** So many bytes that a socket takes without a pause, and others get a turn: its peer reads as fast as they are sent. */
const BYTES_TO_A_REST = 4 * STEP_BYTES

/** What is read of a file at a time where the kernel has it not in memory. */
const READ_BYTES = 64 * 1024
/** The same where the socket is full: Node tells when it has room again of what was written to it only. */
const FULL_BYTES = 8 * 1024

/**
 * The answers of one connection on their way out: slices, written in few system calls and never joined, and slices of
 * files, which the kernel takes from there. Holds what the socket has not taken; the kernel's buffer and one step are all
 * that a slow reader fills.
 */
export class OutputQueue {
  readonly #socket: Socket
  readonly #buffers: BufferPool
  readonly #onSent: (bytes: number) => void
  #slices: Bytes[] = []
  #next = 0
  #bytes = 0
  #stepBytes = 0
  /** A step comes from a file, by way of memory. */
  #isReading = false
  /** The event loop goes round before the next step. */
  #isResting = false
  #bytesSinceRest = 0
  /** Slices whose last byte is in the step under way. */
  #ending: Buffer[] = []
  #callbacksDue = 0

  /**
   * `onSent` is told of bytes that the kernel has taken, from within `flush` or later. The memory of each slice that it
   * has taken whole goes back to `buffers`, and so does its file.
   */
  constructor(socket: Socket, buffers: BufferPool, onSent: (bytes: number) => void) {
    this.#socket = socket
    this.#buffers = buffers
    this.#onSent = onSent
  }

  /** Bytes that the kernel has not taken yet. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether the socket could not take all at once and what is left goes on by itself. */
  get writing(): boolean {
    return this.#stepBytes > 0 || this.#isReading || this.#isResting
  }

  /** Whether the other end has to take something before anything goes on. */
  get waitsForPeer(): boolean {
    return this.#stepBytes > 0
  }

  /** Queues slices; returns their bytes. */
  add(slices: readonly Bytes[]): number {
    let bytes = 0
    for (const slice of slices) {
      if (slice.length === 0) continue
      bytes += slice.length
      this.#slices.push(slice)
    }
    this.#bytes += bytes
    return bytes
  }

  /** Hands to the socket what it takes without waiting; the rest follows by itself. */
  flush(): void {
    while (!this.writing && this.#next < this.#slices.length && !this.#socket.destroyed) {
      if (this.#bytesSinceRest >= BYTES_TO_A_REST) {
        this.#rest()
        return
      }
      const first = this.#slices[this.#next]!
      if (!Buffer.isBuffer(first)) {
        this.#sendFrom(first)
        continue
      }
      const second = this.#slices[this.#next + 1]
      if (second !== undefined && !Buffer.isBuffer(second) && this.#sendBoth(first, second)) continue
      const bytes = this.#writeStep()
      if (this.#socket.writableLength > 0) {
        this.#stepBytes = bytes
        return
      }
      this.#taken(bytes)
    }
  }

  /** Forgets everything, when the socket is gone. */
  clear(): void {
    for (const slice of this.#slices.slice(this.#next)) if (!Buffer.isBuffer(slice)) slice.release()
    this.#slices = []
    this.#next = 0
    this.#bytes = 0
    this.#stepBytes = 0
    // A socket that fails may still be reading them.
    this.#ending = []
  }

  #rest(): void {
    this.#isResting = true
    setImmediate(() => {
      this.#isResting = false
      this.#bytesSinceRest = 0
      this.flush()
    })
  }

  #writeStep(): number {
    const socket = this.#socket
    const slices = this.#slices
    let bytes = 0
    socket.cork()
    for (;;) {
      // A slice of a file comes behind what was written.
      const slice = slices[this.#next] as Buffer
      const room = STEP_BYTES - bytes
      let part = slice
      if (slice.length > room) {
        part = slice.subarray(0, room)
        slices[this.#next] = slice.subarray(room)
      } else {
        this.#next++
        this.#ending.push(part)
      }
      bytes += part.length
      if (bytes === STEP_BYTES || !Buffer.isBuffer(slices[this.#next])) {
        this.#callbacksDue++
        socket.write(part, this.#written)
        break
      }
      socket.write(part)
    }
    this.#startOver()
    socket.uncork()
    return bytes
  }

  #startOver(): void {
    if (this.#next < this.#slices.length) return
    // Emptied, not replaced: V8 keeps what an old array still holds until it collects the whole heap.
    this.#slices.length = 0
    this.#next = 0
  }

  /** One step of a file, from there, or through memory where that is not possible now. */
  #sendFrom(slice: FileSlice): void {
    const sent = this.#handOver(slice)
    if (sent === undefined) void this.#readFrom(slice, READ_BYTES)
    else if (sent === 0) void this.#readFrom(slice, FULL_BYTES)
    else {
      this.#leave(slice)
      this.#taken(sent)
    }
  }

  /** What lies in memory, and a step of the file behind it. False where nothing of that goes now. */
  #sendBoth(head: Buffer, slice: FileSlice): boolean {
    const sent = this.#handOver(slice, head) ?? 0
    if (sent === 0) return false
    if (sent < head.length) this.#slices[this.#next] = head.subarray(sent)
    else {
      this.#next++
      this.#ending.push(head)
      this.#leave(slice)
    }
    this.#taken(sent)
    return true
  }

  #handOver(slice: FileSlice, head?: Buffer): number | undefined {
    // What goes to the descriptor would go past TLS.
    const descriptor = 'encrypted' in this.#socket ? undefined : descriptorOf(this.#socket)
    return descriptor === undefined ? undefined : slice.sendTo(descriptor, head)
  }

  async #readFrom(slice: FileSlice, mostBytes: number): Promise<void> {
    const part = this.#buffers.lend(Math.min(slice.length, mostBytes))
    this.#isReading = true
    try {
      await slice.read(part)
    } catch (error) {
      // The answer has begun: there is no other way to tell.
      this.#socket.destroy(error as Error)
      return
    }
    this.#isReading = false
    if (this.#socket.destroyed) return
    this.#leave(slice)
    this.#stepBytes = part.length
    this.#ending.push(part)
    this.#callbacksDue++
    this.#socket.write(part, this.#written)
  }

  /** Goes on behind it when nothing of it is left. */
  #leave(slice: FileSlice): void {
    if (slice.length > 0) return
    slice.release()
    this.#next++
    this.#startOver()
  }

  readonly #written = (error?: Error | null): void => {
    this.#callbacksDue--
    // The callbacks of steps that were taken at once come late, and in order: only the last is of the step under way.
    if (error || this.#callbacksDue > 0 || this.#stepBytes === 0) return
    const bytes = this.#stepBytes
    this.#stepBytes = 0
    this.#taken(bytes)
    this.flush()
  }

  #taken(bytes: number): void {
    this.#bytes -= bytes
    this.#bytesSinceRest += bytes
    for (const slice of this.#ending) this.#buffers.giveBack(slice)
    this.#ending.length = 0
    this.#onSent(bytes)
  }
}
