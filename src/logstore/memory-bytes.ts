import type { Random } from '../base/random.ts'

const PAGE_SIZE = 65_536
const SECTOR_SIZE = 512
const FIRST_ALLOCATION = 1024

/** Pages as they were when the layer began, for those changed since, and the size at that time. */
interface Layer {
  readonly pages: Map<number, Buffer | undefined>
  readonly size: number
}

/**
 * The bytes of one in-memory file, in pages that grow as they are filled. It remembers what it would hold if nothing
 * since the last completed sync had reached the disk: the first change of a page after a sync keeps its old content.
 */
export class MemoryBytes {
  #pages: (Buffer | undefined)[] = []
  #size = 0
  /** Oldest first. The last one collects changes; the others wait for the sync that closed them. */
  #layers: Layer[] = [{ pages: new Map(), size: 0 }]

  get size(): number {
    return this.#size
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.#size - position))
    for (let done = 0; done < count; ) {
      const at = position + done
      const within = at % PAGE_SIZE
      const step = Math.min(count - done, PAGE_SIZE - within)
      const page = this.#pages[Math.floor(at / PAGE_SIZE)]
      const stored = page === undefined ? 0 : Math.max(0, Math.min(step, page.length - within))
      if (stored > 0) page?.copy(target, offset + done, within, within + stored)
      target.fill(0, offset + done + stored, offset + done + step)
      done += step
    }
    return count
  }

  write(buffer: Uint8Array, position: number): void {
    for (let done = 0; done < buffer.length; ) {
      const at = position + done
      const within = at % PAGE_SIZE
      const step = Math.min(buffer.length - done, PAGE_SIZE - within)
      const page = this.#changePage(Math.floor(at / PAGE_SIZE), within + step)
      page.set(buffer.subarray(done, done + step), within)
      done += step
    }
    this.#size = Math.max(this.#size, position + buffer.length)
  }

  truncate(size: number): void {
    if (size < this.#size) {
      const keep = Math.ceil(size / PAGE_SIZE)
      const within = size % PAGE_SIZE
      const last = keep - 1
      if (within > 0 && this.#pages[last] !== undefined) {
        const page = this.#changePage(last, 0)
        if (page.length > within) page.fill(0, within)
      }
      for (let index = keep; index < this.#pages.length; index++) this.#remember(index)
      this.#pages.length = Math.min(this.#pages.length, keep)
    }
    this.#size = size
  }

  /** Begins a sync: what is written from now on is not part of it. Call the result when it has reached the disk. */
  beginSync(): () => void {
    const closed = this.#layers.at(-1)
    this.#layers.push({ pages: new Map(), size: this.#size })
    return () => {
      const index = closed === undefined ? -1 : this.#layers.indexOf(closed)
      if (index >= 0) this.#layers.splice(0, index + 1)
    }
  }

  /**
   * Goes back to what the last completed sync made durable. With `random`, each sector changed since then may have
   * survived, and the size may be any between.
   */
  crash(random: Random | undefined): void {
    const livePages = this.#pages.slice()
    const liveSize = this.#size
    for (const layer of this.#layers.toReversed()) {
      for (const [index, page] of layer.pages) this.#pages[index] = page
      this.#size = layer.size
    }
    const changed = new Set(this.#layers.flatMap((layer) => [...layer.pages.keys()]))
    const fate = random?.bytes(1)[0] ?? 0
    // A third each: nothing survives, everything does, or a part.
    if (random !== undefined && fate >= 86) {
      const durableSize = this.#size
      const torn = fate >= 172
      const low = Math.min(durableSize, liveSize)
      const span = Math.max(durableSize, liveSize) - low
      for (const index of changed) {
        const sectors = random.bytes(PAGE_SIZE / SECTOR_SIZE)
        this.#pages[index] = merge(
          this.#pages[index],
          livePages[index],
          (sector) => !torn || sectors[sector]! < 128,
        )
      }
      this.#size = torn ? low + Math.floor((random.bytes(4).readUInt32LE() / 2 ** 32) * (span + 1)) : liveSize
    }
    this.#pages.length = Math.ceil(this.#size / PAGE_SIZE)
    const within = this.#size % PAGE_SIZE
    const last = this.#pages.at(-1)
    if (within > 0 && last !== undefined && last.length > within) {
      this.#pages[this.#pages.length - 1] = Buffer.from(last.subarray(0, within))
    }
    this.#layers = [{ pages: new Map(), size: this.#size }]
  }

  #changePage(index: number, needed: number): Buffer {
    this.#remember(index)
    let page = this.#pages[index]
    if (page === undefined || page.length < needed) {
      const capacity = Math.min(PAGE_SIZE, 2 ** Math.ceil(Math.log2(Math.max(needed, FIRST_ALLOCATION))))
      const grown = Buffer.alloc(capacity)
      page?.copy(grown)
      page = grown
      while (this.#pages.length < index) this.#pages.push(undefined)
      this.#pages[index] = page
    }
    return page
  }

  /** Keeps the page's content from before its first change in the current layer. */
  #remember(index: number): void {
    const layer = this.#layers.at(-1)
    if (layer === undefined || layer.pages.has(index)) return
    const page = this.#pages[index]
    const used = Math.min(PAGE_SIZE, Math.max(0, this.#size - index * PAGE_SIZE))
    layer.pages.set(index, page === undefined || used === 0 ? undefined : Buffer.from(page.subarray(0, used)))
  }
}

function merge(
  old: Buffer | undefined,
  live: Buffer | undefined,
  survives: (sector: number) => boolean,
): Buffer {
  const result = Buffer.alloc(PAGE_SIZE)
  for (let sector = 0; sector * SECTOR_SIZE < PAGE_SIZE; sector++) {
    const from = sector * SECTOR_SIZE
    const page = survives(sector) ? live : old
    if (page !== undefined && page.length > from) page.copy(result, from, from, from + SECTOR_SIZE)
  }
  return result
}
