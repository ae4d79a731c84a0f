/** Something that keeps files open and can close them until it is used again. */
export interface IdleCloseable {
  /** Must not throw; called when others need the place. */
  closeIdle(): void
}

const DEFAULT_MAX_OPEN = 1000

/** Keeps the number of open segments of a broker bounded: the one that was used longest ago is closed. */
export class OpenFiles {
  readonly #maxOpen: number
  readonly #used = new Set<IdleCloseable>()
  #latest: IdleCloseable | undefined

  constructor(maxOpen: number = DEFAULT_MAX_OPEN) {
    this.#maxOpen = maxOpen
  }

  get size(): number {
    return this.#used.size
  }

  /** `owner` has a file open and uses it now. */
  touch(owner: IdleCloseable): void {
    if (owner === this.#latest) return
    this.#latest = owner
    this.#used.delete(owner)
    this.#used.add(owner)
    if (this.#used.size <= this.#maxOpen) return
    const [oldest] = this.#used
    if (oldest === undefined) return
    this.#used.delete(oldest)
    oldest.closeIdle()
  }

  /** `owner` has closed its file by itself. */
  forget(owner: IdleCloseable): void {
    this.#used.delete(owner)
    if (this.#latest === owner) this.#latest = undefined
  }
}
