import type { BufferPool } from '../base/buffer-pool.ts'

/** Why a length prefix cannot be the start of a request (Kafka's `NetworkReceive`: InvalidReceiveException). */
export interface FrameFault {
  readonly kind: 'negative' | 'too-small' | 'too-large'
  /** The length that was read, in bytes. */
  readonly length: number
}

const PREFIX_BYTES = 4
const SMALLEST_BUFFER_BYTES = 64 * 1024
/**
 * A frame under way owns at most this many times the bytes that have arrived of it. 20 lets a request of 1 MB, the
 * largest of a Java producer by default, settle in its final buffer after the first 64 KB. What was allocated and not
 * yet written to is address space, not memory. A client that sent a whole frame may have as much for the next one.
 */
const GROWTH = 20

/**
 * Cuts a stream of bytes into length-prefixed frames; owns the frame under way. Every frame handed on is one contiguous
 * buffer without the prefix, whose memory may be given back to the pool when nobody looks at the frame any more.
 *
 * A large frame is read straight into its own buffer: `target()` says where the next bytes go and `advance()` how many
 * came. Everything else goes through `push()`, which copies once. Memory is taken as bytes arrive, never for a length
 * that was only announced.
 *
 * After a fault, what is pushed is dropped: the stream cannot be told apart any more.
 */
export class FrameAssembler {
  readonly #maxFrameBytes: number
  readonly #minFrameBytes: number
  readonly #buffers: BufferPool
  readonly #onFrame: (frame: Buffer) => void
  #prefix = 0
  #prefixBytes = 0
  #length = -1
  #buffer: Buffer | undefined
  #filled = 0
  /** Bytes of the last frame: another one like it gets its final buffer at once. */
  #lastLength = 0
  #fault: FrameFault | undefined

  constructor(
    maxFrameBytes: number,
    buffers: BufferPool,
    onFrame: (frame: Buffer) => void,
    minFrameBytes = 0,
  ) {
    this.#maxFrameBytes = maxFrameBytes
    this.#minFrameBytes = minFrameBytes
    this.#buffers = buffers
    this.#onFrame = onFrame
  }

  get fault(): FrameFault | undefined {
    return this.#fault
  }

  /** Whether a frame, or the prefix of one, has begun and not ended. */
  get midFrame(): boolean {
    return this.#prefixBytes > 0
  }

  /** The free part of the buffer of the frame under way; undefined when the next bytes are for `push`. */
  target(): Buffer | undefined {
    const buffer = this.#buffer
    if (buffer === undefined) return undefined
    return (this.#filled === buffer.length ? this.#grow(buffer) : buffer).subarray(this.#filled)
  }

  /** `bytes` were written to the start of what `target()` gave. */
  advance(bytes: number): void {
    this.#filled += bytes
    if (this.#filled === this.#length) this.#finish()
  }

  /** Takes a copy of what it needs of `chunk`, which the caller may then reuse. */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length && this.#fault === undefined) {
      if (this.#length < 0) {
        at = this.#readPrefix(chunk, at)
        continue
      }
      let buffer = this.#buffer
      if (buffer === undefined) {
        const available = Math.min(this.#length, chunk.length - at)
        buffer = this.#buffers.lend(
          Math.min(this.#length, Math.max(SMALLEST_BUFFER_BYTES, GROWTH * available, this.#lastLength)),
        )
        this.#buffer = buffer
      } else if (this.#filled === buffer.length) buffer = this.#grow(buffer)
      const taken = Math.min(buffer.length - this.#filled, chunk.length - at)
      chunk.copy(buffer, this.#filled, at, at + taken)
      at += taken
      this.advance(taken)
    }
  }

  /** Forgets the frame under way. Its memory is not used again: the socket may read into it once more. */
  discard(): void {
    this.#reset()
  }

  #readPrefix(chunk: Buffer, start: number): number {
    let at = start
    while (this.#prefixBytes < PREFIX_BYTES) {
      if (at === chunk.length) return at
      this.#prefix = (this.#prefix << 8) | chunk[at++]!
      this.#prefixBytes++
    }
    const length = this.#prefix
    if (length < 0) this.#fault = { kind: 'negative', length }
    else if (length < this.#minFrameBytes) this.#fault = { kind: 'too-small', length }
    else if (length > this.#maxFrameBytes) this.#fault = { kind: 'too-large', length }
    else {
      this.#length = length
      if (length === 0) this.#finish()
    }
    return at
  }

  #grow(full: Buffer): Buffer {
    const larger = this.#buffers.lend(Math.min(this.#length, full.length * GROWTH))
    full.copy(larger, 0, 0, this.#filled)
    this.#buffers.giveBack(full)
    this.#buffer = larger
    return larger
  }

  #finish(): void {
    const frame = this.#buffer ?? Buffer.alloc(0)
    this.#lastLength = frame.length
    this.#reset()
    this.#onFrame(frame)
  }

  #reset(): void {
    this.#buffer = undefined
    this.#filled = 0
    this.#length = -1
    this.#prefix = 0
    this.#prefixBytes = 0
  }
}
