import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { DELETED_DIRECTORY_SUFFIX, STRAY_DIRECTORY_SUFFIX, uniqueDirectoryName } from './file-names.ts'
import type { FileSystem } from './file-system.ts'

export interface RetiredDirectoriesOptions {
  readonly fs: FileSystem
  /** Of the log directory. */
  readonly path: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/**
 * Partitions' directories that gave up their names, so that these are free at once: deleted ones, which are removed
 * later, and strays, which stay for the operator to look at.
 */
export class RetiredDirectories {
  readonly #options: RetiredDirectoriesOptions
  readonly #waiting = new Map<string, Timer>()
  #removing: Promise<void> = Promise.resolve()
  #isCancelled = false

  constructor(options: RetiredDirectoriesOptions) {
    this.#options = options
  }

  /** A name under which a directory waits for its removal. */
  deletedName(topic: string, partition: number): string {
    return this.uniqueName(topic, partition, DELETED_DIRECTORY_SUFFIX)
  }

  uniqueName(topic: string, partition: number, suffix: string): string {
    return uniqueDirectoryName(topic, partition, this.#options.random.bytes(16).toString('hex'), suffix)
  }

  /** `topicId` is the one in the directory, where it says. */
  setAside(topic: string, partition: number, topicId: string | undefined): void {
    const { fs, path, logger } = this.#options
    const name = `${topic}-${partition}`
    const stray = this.uniqueName(topic, partition, STRAY_DIRECTORY_SUFFIX)
    logger.warn('setting aside the log of another topic of the same name', {
      partition: name,
      topicId,
      directory: `${path}/${stray}`,
    })
    fs.rename(`${path}/${name}`, `${path}/${stray}`)
  }

  removeLater(name: string, delayMs = 0): void {
    const { clock } = this.#options
    const due = (): void => {
      this.#waiting.delete(name)
      this.#removing = this.#removing.then(() => this.#remove(name))
    }
    this.#waiting.set(name, clock.setTimer(delayMs, due))
  }

  /** One after the other: what removes a thousand at once keeps the disk from everybody else. Never rejects. */
  async #remove(name: string): Promise<void> {
    const { fs, path, logger } = this.#options
    if (this.#isCancelled) return
    try {
      await fs.removeDirectoryAsync(`${path}/${name}`)
    } catch (error) {
      logger.warn('could not remove a deleted log; the next start will', { name, err: error })
    }
  }

  /** Resolves when no removal is under way. */
  async idle(): Promise<void> {
    await this.#removing
  }

  /** What is not removed yet is left to the next start. */
  cancel(): void {
    this.#isCancelled = true
    for (const timer of this.#waiting.values()) timer.cancel()
    this.#waiting.clear()
  }
}
