import {
  formatCheckpoint,
  parseCheckpoint,
  readSmallFile,
  replaceSmallFile,
  writeTemporary,
} from './checkpoints.ts'
import { LEADER_EPOCH_FILE } from './file-names.ts'
import type { FileSystem } from './file-system.ts'

export interface EpochEntry {
  readonly epoch: number
  /** The first offset written in that epoch. */
  readonly startOffset: number
}

export const UNDEFINED_EPOCH = -1
export const UNDEFINED_EPOCH_OFFSET = -1

const FORMAT_VERSION = 0

/**
 * Which leader epoch began at which offset (KIP-101, Kafka's `LeaderEpochFileCache`). Owns `leader-epoch-checkpoint`.
 *
 * Changes stay in memory until `flush`, which the log calls before it moves its recovery point. What a crash or kill
 * forgets is in the batches above that point, and recovery assigns it again from there.
 */
export class LeaderEpochs {
  readonly #fs: FileSystem
  readonly #directory: string
  #entries: EpochEntry[] = []
  #dirty = false
  /** What the file holds; undefined where there is none, or none that can be read. */
  #stored: Buffer | undefined
  /** There may be a file, whatever it holds. */
  #hasFile = false
  /** The `flushAsync` under way, unless something else has been written since. */
  #replacing: object | undefined

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs
    this.#directory = directory
  }

  /** Reads the file; throws CorruptCheckpointError where it holds something else. */
  load(): void {
    const path = `${this.#directory}/${LEADER_EPOCH_FILE}`
    const bytes = readSmallFile(this.#fs, path)
    this.#entries = []
    this.#dirty = bytes === undefined
    this.#hasFile = bytes !== undefined
    for (const line of bytes === undefined ? [] : parseCheckpoint(path, bytes, FORMAT_VERSION)) {
      const [epoch, startOffset] = line.split(' ', 2).map(Number)
      if (epoch !== undefined && startOffset !== undefined) this.assign(epoch, startOffset)
    }
    if (bytes !== undefined) this.#dirty = false
    this.#stored = bytes
  }

  get latestEpoch(): number | undefined {
    return this.#entries.at(-1)?.epoch
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  /**
   * Notes that `epoch` begins at `startOffset`. Entries that contradict it are dropped: those of a later epoch, and
   * those that begin at the offset or above. Nothing changes for the latest epoch.
   */
  assign(epoch: number, startOffset: number): void {
    const latest = this.#entries.at(-1)
    if (latest !== undefined && latest.epoch === epoch && startOffset >= latest.startOffset) return
    while (this.#entries.length > 0) {
      const last = this.#entries.at(-1)!
      if (last.epoch < epoch && last.startOffset < startOffset) break
      this.#entries.pop()
    }
    this.#entries.push({ epoch, startOffset })
    this.#dirty = true
  }

  /**
   * Where the largest epoch up to `requested` ends: the start of the next epoch, or `logEndOffset` for the latest.
   * Undefined where `requested` is larger than any epoch known, or none is known. An epoch smaller than all known
   * ends where the first known begins.
   */
  endOffsetFor(requested: number, logEndOffset: number): { epoch: number; endOffset: number } | undefined {
    if (requested === UNDEFINED_EPOCH) return undefined
    if (requested === this.latestEpoch) return { epoch: requested, endOffset: logEndOffset }
    const above = this.#entries.findIndex((entry) => entry.epoch > requested)
    const higher = this.#entries[above]
    if (higher === undefined) return undefined
    return { epoch: this.#entries[above - 1]?.epoch ?? requested, endOffset: higher.startOffset }
  }

  /** The epoch of the record at `offset`; undefined below the first one known. */
  epochForOffset(offset: number): number | undefined {
    return this.#entries.findLast((entry) => entry.startOffset <= offset)?.epoch
  }

  /** The log now ends at `endOffset`: epochs that begin there or above are gone. */
  truncateFromEnd(endOffset: number): void {
    const kept = this.#entries.filter((entry) => entry.startOffset < endOffset)
    if (kept.length === this.#entries.length) return
    this.#entries = kept
    this.#dirty = true
  }

  /** The log now starts at `startOffset`: the epoch in force there begins there, earlier ones are gone. */
  truncateFromStart(startOffset: number): void {
    const index = this.#entries.findLastIndex((entry) => entry.startOffset <= startOffset)
    const current = this.#entries[index]
    if (current === undefined || (index === 0 && current.startOffset === startOffset)) return
    this.#entries = [{ epoch: current.epoch, startOffset }, ...this.#entries.slice(index + 1)]
    this.#dirty = true
  }

  clear(): void {
    if (this.#entries.length === 0) return
    this.#entries = []
    this.#dirty = true
  }

  /**
   * Once it returns, the file on the device says what memory says of the log below `endOffset`: an epoch without records
   * is forgotten and assigned anew with each start.
   */
  flush(endOffset = Number.POSITIVE_INFINITY): void {
    // What is on its way is not there yet.
    if (this.#replacing !== undefined) this.#dirty = true
    this.#replacing = undefined
    const bytes = this.#unstored(endOffset)
    if (bytes === undefined) return
    try {
      replaceSmallFile(this.#fs, this.#directory, LEADER_EPOCH_FILE, bytes)
    } catch (error) {
      this.#dirty = true
      throw error
    }
    this.#stored = bytes
  }

  /**
   * As `flush`, but without waiting for the device, and for the directory to be synced afterwards where the result is
   * true. `mayRename` is asked whether the directory is still this log's.
   */
  async flushAsync(mayRename: () => boolean, endOffset = Number.POSITIVE_INFINITY): Promise<boolean> {
    const bytes = this.#unstored(endOffset)
    if (bytes === undefined) return false
    const replacing = {}
    this.#replacing = replacing
    try {
      const written = writeTemporary(this.#fs, this.#directory, LEADER_EPOCH_FILE, bytes)
      try {
        await written.file.syncAsync()
      } finally {
        written.file.close()
      }
      // A `flush` meanwhile has written at least as much.
      if (this.#replacing !== replacing) return true
      if (!mayRename()) {
        this.#dirty = true
        return false
      }
      this.#fs.rename(written.file.path, written.path)
      this.#stored = bytes
      return true
    } catch (error) {
      this.#dirty = true
      throw error
    } finally {
      if (this.#replacing === replacing) this.#replacing = undefined
    }
  }

  /** What is to be written, taken for written from now on; undefined where the file says it. */
  #unstored(endOffset: number): Buffer | undefined {
    if (!this.#dirty) return undefined
    const below = this.#entries.filter((entry) => entry.startOffset < endOffset)
    this.#dirty = below.length < this.#entries.length
    if (below.length === 0 && !this.#hasFile) return undefined
    const lines = below.map((entry) => `${entry.epoch} ${entry.startOffset}`)
    const bytes = formatCheckpoint(FORMAT_VERSION, lines)
    if (this.#stored?.equals(bytes) === true) return undefined
    this.#stored = undefined
    this.#hasFile = true
    return bytes
  }
}
