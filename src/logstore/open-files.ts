/** Something that keeps files open and can close them until it is used again. */
export interface IdleCloseable {
  /** Lets go of memory that can be read again. Must not throw; called when others need the place. */
  releaseIdle(): void
  /** Closes the file. Must not throw; called when others need the place. */
  closeIdle(): void
}

const DEFAULT_MAX_OPEN = 1000
/** Those used last, which keep what they have in memory. */
const MAX_LOADED = 1000

/**
 * Keeps the number of open segments of a broker bounded: the one that was used longest ago is closed. An open file costs
 * little, and to open one for each append to many partitions costs more than the append; the indexes in memory may be
 * large, so those belong to fewer.
 */
export class OpenFiles {
  readonly #maxOpen: number
  readonly #maxLoaded: number
  /** In the order of use. */
  readonly #loaded = new Set<IdleCloseable>()
  readonly #released = new Set<IdleCloseable>()
  #latest: IdleCloseable | undefined

  constructor(maxOpen: number = DEFAULT_MAX_OPEN, maxLoaded: number = MAX_LOADED) {
    this.#maxOpen = maxOpen
    this.#maxLoaded = Math.min(maxOpen, maxLoaded)
  }

  get size(): number {
    return this.#loaded.size + this.#released.size
  }

  /** `owner` has a file open and uses it now. */
  touch(owner: IdleCloseable): void {
    if (owner === this.#latest) return
    this.#latest = owner
    this.#loaded.delete(owner)
    this.#released.delete(owner)
    this.#loaded.add(owner)
    if (this.#loaded.size <= this.#maxLoaded) return
    const [idle] = this.#loaded
    if (idle === undefined) return
    this.#loaded.delete(idle)
    this.#released.add(idle)
    idle.releaseIdle()
    if (this.size <= this.#maxOpen) return
    const [oldest] = this.#released
    if (oldest === undefined) return
    this.#released.delete(oldest)
    oldest.closeIdle()
  }

  /** `owner` has closed its file by itself. */
  forget(owner: IdleCloseable): void {
    this.#loaded.delete(owner)
    this.#released.delete(owner)
    if (this.#latest === owner) this.#latest = undefined
  }
}
