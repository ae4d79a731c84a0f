import type { Socket } from 'node:net'
import type { BufferPool } from '../base/buffer-pool.ts'

/** One step of writing; a slow reader shows progress at this grain, and one answer never fills the socket's queue. */
const STEP_BYTES = 1024 * 1024

/**
 * The answers of one connection on their way out: slices, written in few system calls and never joined. Holds what the
 * socket has not taken; the kernel's buffer and one step are all that a slow reader fills.
 */
export class OutputQueue {
  readonly #socket: Socket
  readonly #buffers: BufferPool
  readonly #onSent: (bytes: number) => void
  #slices: Buffer[] = []
  #next = 0
  #bytes = 0
  #stepBytes = 0
  /** Slices whose last byte is in the step under way. */
  #ending: Buffer[] = []
  #callbacksDue = 0

  /**
   * `onSent` is told of bytes that the kernel has taken, from within `flush` or later. The memory of each slice that it
   * has taken whole goes back to `buffers`.
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
    return this.#stepBytes > 0
  }

  /** Queues slices; returns their bytes. */
  add(slices: readonly Buffer[]): number {
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
    while (this.#stepBytes === 0 && this.#next < this.#slices.length && !this.#socket.destroyed) {
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
    this.#slices = []
    this.#next = 0
    this.#bytes = 0
    this.#stepBytes = 0
    // A socket that fails may still be reading them.
    this.#ending = []
  }

  #writeStep(): number {
    const socket = this.#socket
    const slices = this.#slices
    let bytes = 0
    socket.cork()
    for (;;) {
      const slice = slices[this.#next]!
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
      if (bytes === STEP_BYTES || this.#next === slices.length) {
        this.#callbacksDue++
        socket.write(part, this.#written)
        break
      }
      socket.write(part)
    }
    if (this.#next === slices.length) {
      this.#slices = []
      this.#next = 0
    }
    socket.uncork()
    return bytes
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
    for (const slice of this.#ending) this.#buffers.giveBack(slice)
    this.#ending.length = 0
    this.#onSent(bytes)
  }
}
