const FIRST_BYTES = 4096

/** Bytes that are written one after the other, where nobody knows beforehand how many they are. */
export class GrowingBuffer {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  length = 0

  /** The buffer to write into from `length` on, with room for `count` bytes; the caller moves `length`. */
  reserve(count: number): Buffer {
    const needed = this.length + count
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.length)
      this.#bytes = larger
    }
    return this.#bytes
  }

  /** What was written. A slice, not a copy: more must not be written afterwards. */
  toBuffer(): Buffer {
    return this.#bytes.subarray(0, this.length)
  }
}
