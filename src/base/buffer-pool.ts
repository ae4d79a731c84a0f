import type { Bytes } from './file-slice.ts'

const SMALLEST_BYTES = 1024
/** Less than this is worth a copy, so that who is slow to take it does not keep the whole piece that it is part of. */
export const SHARED_FROM_BYTES = 4096
/** What a checked pool writes over memory that nobody holds. */
const POISON = 0xdb
/** Requests of clients that send a batch of 1 MB for each of several partitions. Larger ones are too rare to keep. */
const LARGEST_BYTES = 16 * 1024 * 1024
/** How many sizes are looked through for a free piece: one that is four times as large is better than a new one. */
const LARGER_SIZES = 3
const DEFAULT_MAX_FREE_BYTES = 32 * 1024 * 1024

export interface BufferPoolOptions {
  /** Bytes that may wait to be used again. */
  readonly maxFreeBytes?: number
  readonly isChecked?: boolean
}

/**
 * Memory for bytes on their way through: lent for requests, for reads from the disk and for what is kept of the end of
 * a log, and used again when the last holder has given it back. Fresh memory for each costs more than the bytes' whole
 * way: V8 collects the heap for every few dozen megabytes of it, and the kernel clears each page.
 *
 * Giving back is a favour, not a duty: what never comes back is collected like any other buffer. But each holder gives
 * back once at most, and then doesn't look at the bytes again. Slices stand for the memory they are part of.
 */
export class BufferPool {
  readonly #maxFreeBytes: number
  readonly #isChecked: boolean
  /** By the power of two that is their size. */
  readonly #free: Buffer[][] = Array.from({ length: log2(LARGEST_BYTES) + 1 }, () => [])
  #freeBytes = 0
  /** Which loan was the last of that size, counted over all. */
  readonly #lastLoan: number[] = this.#free.map(() => 0)
  #loans = 0
  /** Holders of each piece that is lent, and 0 while it is free. */
  readonly #holders = new WeakMap<ArrayBufferLike, number>()

  /**
   * A checked pool is for tests: it spoils what nobody holds, throws where such memory was written to or is given back
   * or shared once more, and lends small pieces, too.
   */
  constructor({ maxFreeBytes = DEFAULT_MAX_FREE_BYTES, isChecked = false }: BufferPoolOptions = {}) {
    this.#maxFreeBytes = maxFreeBytes
    this.#isChecked = isChecked
  }

  /** Bytes that wait to be used again. */
  get freeBytes(): number {
    return this.#freeBytes
  }

  /**
   * A buffer of so many bytes, whatever they hold, with one holder. Very large ones are plain buffers. Only tiny ones
   * share Node's own pool: what is kept of a larger one must not pin a slab of it.
   *
   * What is given back soon may be a part of a larger piece that is free. With `isKept` it is not: for what stays.
   */
  lend(bytes: number, isKept = false): Buffer {
    if (bytes > LARGEST_BYTES) return Buffer.allocUnsafeSlow(bytes)
    if (bytes < SMALLEST_BYTES / 2 && !this.#isChecked) return Buffer.allocUnsafe(bytes)
    const size = sizeFor(bytes)
    const whole = this.#takeFree(size, isKept ? 1 : LARGER_SIZES) ?? Buffer.allocUnsafeSlow(size)
    this.#holders.set(whole.buffer, 1)
    return bytes === whole.length ? whole : whole.subarray(0, bytes)
  }

  /** A free piece of that size, or of the next larger ones, `sizes` in all. */
  #takeFree(size: number, sizes: number): Buffer | undefined {
    const first = log2(size)
    this.#loans++
    this.#lastLoan[first] = this.#loans
    const end = Math.min(first + sizes, this.#free.length)
    for (let index = first; index < end; index++) {
      const whole = this.#free[index]!.pop()
      if (whole === undefined) continue
      this.#lastLoan[index] = this.#loans
      this.#freeBytes -= whole.length
      if (this.#isChecked) checkSpoilt(whole)
      return whole
    }
    return undefined
  }

  /** The memory of `slice` has one more holder; false, and nothing happens, with memory of others. */
  share(slice: Buffer): boolean {
    const holders = this.#holders.get(slice.buffer)
    if (holders === undefined) return false
    if (holders > 0) this.#holders.set(slice.buffer, holders + 1)
    else if (this.#isChecked) throw new Error(`${slice.length} bytes are shared that nobody holds`)
    return holders > 0
  }

  /** One holder of the memory of `slice` less; nothing happens with memory of others. */
  giveBack(slice: Buffer): void {
    const memory = slice.buffer
    const holders = this.#holders.get(memory)
    if (holders === undefined) return
    if (holders === 0) {
      if (this.#isChecked) throw new Error(`${slice.length} bytes are given back that nobody holds`)
      return
    }
    this.#holders.set(memory, holders - 1)
    if (holders > 1) return
    if (this.#isChecked) new Uint8Array(memory).fill(POISON)
    this.#free[log2(memory.byteLength)]!.push(Buffer.from(memory))
    this.#freeBytes += memory.byteLength
    while (this.#freeBytes > this.#maxFreeBytes) this.#dropLeastUsed()
  }

  /** The same for each of them that lies in memory; the others give up their files. */
  giveBackAll(parts: readonly Bytes[]): void {
    for (const part of parts) {
      if (Buffer.isBuffer(part)) this.giveBack(part)
      else part.release()
    }
  }

  /** Lets go of a piece of the size that was not asked for for longest, or what is used now would find no place. */
  #dropLeastUsed(): void {
    let least: Buffer[] = []
    let lastLoan = Number.POSITIVE_INFINITY
    for (const [index, pieces] of this.#free.entries()) {
      if (pieces.length === 0 || this.#lastLoan[index]! >= lastLoan) continue
      least = pieces
      lastLoan = this.#lastLoan[index]!
    }
    const piece = least.pop()
    if (piece === undefined) return
    this.#freeBytes -= piece.length
    // Nobody holds it, and until V8 collects it much may have come.
    ;(piece.buffer as ArrayBuffer).transfer(0)
  }
}

function checkSpoilt(memory: Buffer): void {
  // Each byte is as the one before it.
  if (memory[0] === POISON && memory.subarray(1).equals(memory.subarray(0, -1))) return
  const at = memory.findIndex((byte) => byte !== POISON)
  if (at >= 0)
    throw new Error(`memory of ${memory.length} bytes was written to at ${at} while nobody held it`)
}

function sizeFor(bytes: number): number {
  return bytes <= SMALLEST_BYTES ? SMALLEST_BYTES : 2 ** (32 - Math.clz32(bytes - 1))
}

function log2(powerOfTwo: number): number {
  return 31 - Math.clz32(powerOfTwo)
}
