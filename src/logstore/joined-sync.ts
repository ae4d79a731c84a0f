import type { FileSystem } from './file-system.ts'

/**
 * Syncs of one directory for many who made names in it. Those that ask while one is under way share the next, which
 * begins when that has ended: what they made may have come too late for it.
 */
export class JoinedSync {
  readonly #fs: FileSystem
  readonly #path: string
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(fs: FileSystem, path: string) {
    this.#fs = fs
    this.#path = path
  }

  /** Resolves when all names made before the call are on the device. Rejects as `syncDirectoryAsync` does. */
  sync(): Promise<void> {
    if (this.#running === undefined) return this.#begin()
    this.#next ??= this.#running.catch(ignoreOfOthers).then(() => {
      this.#next = undefined
      return this.#begin()
    })
    return this.#next
  }

  #begin(): Promise<void> {
    const running = this.#fs.syncDirectoryAsync(this.#path).finally(() => {
      if (this.#running === running) this.#running = undefined
    })
    this.#running = running
    return running
  }
}

/** Who asked for that sync was told. */
function ignoreOfOthers(): void {}
