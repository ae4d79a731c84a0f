import type { Logger } from '../../base/logger.ts'
import {
  CorruptCheckpointError,
  formatOffsetCheckpoint,
  offsetCheckpointFiles,
  readOffsetCheckpoint,
  replaceSmallFile,
} from '../checkpoints.ts'
import type { FileSystem } from '../file-system.ts'

/**
 * `cleaner-offset-checkpoint` of one log directory: for each log, by `topic-partition`, up to where it is clean. Every
 * change is on the device when the call returns; without the file everything is dirty, which costs a cleaning.
 */
export class CleanerCheckpoint {
  readonly #fs: FileSystem
  readonly #directory: string
  readonly #offsets: Map<string, number>

  constructor(fs: FileSystem, directory: string, logger: Logger) {
    this.#fs = fs
    this.#directory = directory
    this.#offsets = read(fs, directory, logger)
  }

  get(name: string): number | undefined {
    return this.#offsets.get(name)
  }

  set(name: string, offset: number): void {
    if (this.#offsets.get(name) === offset) return
    this.#offsets.set(name, offset)
    this.#write()
  }

  /** The log is cut to `offset`: what comes after is dirty (Kafka's `maybeTruncateCheckpoint`). */
  truncate(name: string, offset: number): void {
    if ((this.#offsets.get(name) ?? 0) > offset) this.set(name, offset)
  }

  /** The log is gone from this directory. */
  remove(name: string): void {
    if (this.#offsets.delete(name)) this.#write()
  }

  #write(): void {
    const rows: [string, number, number][] = []
    for (const [name, offset] of this.#offsets) {
      const dash = name.lastIndexOf('-')
      rows.push([name.slice(0, dash), Number(name.slice(dash + 1)), offset])
    }
    replaceSmallFile(this.#fs, this.#directory, offsetCheckpointFiles.cleaner, formatOffsetCheckpoint(rows))
  }
}

function read(fs: FileSystem, directory: string, logger: Logger): Map<string, number> {
  try {
    return readOffsetCheckpoint(fs, directory, offsetCheckpointFiles.cleaner)
  } catch (error) {
    if (!(error instanceof CorruptCheckpointError)) throw error
    logger.warn('ignoring a corrupt checkpoint', { directory, err: error })
    return new Map()
  }
}
