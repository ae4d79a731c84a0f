import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { FileSystem } from './file-system.ts'
import type { JoinedSync } from './joined-sync.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { isOutOfRoom } from './log-errors.ts'
import type { LogHealth } from './log-health.ts'
import type { LogSegments } from './log-segments.ts'
import type { ProducerStates } from './producer-state.ts'

export interface LogFlusherOptions {
  /** Whose it is, with its end as it is now. */
  readonly log: { readonly logEndOffset: number }
  readonly health: LogHealth
  readonly fs: FileSystem
  readonly directory: string
  /** Of the directory that `directory` has its name in. */
  readonly parent: JoinedSync
  readonly segments: LogSegments
  readonly producers: ProducerStates
  readonly epochs: LeaderEpochs
  readonly clock: Clock
  readonly logger: Logger
  readonly topicPartition: string
  readonly recoveryPoint: number
  /** The last flush or clean stop left the directory as it is now. */
  readonly namesSynced: boolean
}

/**
 * Brings one log to the device: the segments above the recovery point with their indexes, the producer snapshots, the
 * leader epochs, the names; then the recovery point moves. It never stands above something that is not synced. A flush
 * that fails takes the log offline. Where the disk has no room for what stands beside the records, they are flushed all
 * the same, and the recovery point stays: from there on the rest is built anew, should it come to that.
 */
export class LogFlusher {
  readonly #options: LogFlusherOptions
  /** All below is on the device. */
  recoveryPoint: number
  lastFlushMs: number
  /** Names were made or changed since the last sync of the directory; its own name, too, before the first. */
  #namesUnsynced: 'directory' | 'parent too' | undefined
  #nameChanges = 0
  #truncations = 0
  #outOfRoom = false
  #flushing: Promise<void> = Promise.resolve()

  constructor(options: LogFlusherOptions) {
    this.#options = options
    this.recoveryPoint = options.recoveryPoint
    this.#namesUnsynced = options.namesSynced ? undefined : 'parent too'
    this.lastFlushMs = options.clock.now()
  }

  namesChanged(): void {
    this.#nameChanges++
    this.#namesUnsynced ??= 'directory'
  }

  /** The log is cut to `offset`; a flush under way proves nothing about what comes after. */
  truncated(offset: number): void {
    this.#truncations++
    if (offset < this.recoveryPoint) this.recoveryPoint = offset
  }

  /**
   * Resolves when all that is in the log now is on the device, one flush after the other. Rejects with LogStorageError.
   * Gives up where the log was closed meanwhile.
   */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.catch(ignoreEarlierFailure).then(() => this.#flushOnce())
    return this.#flushing
  }

  /** The same, but for the snapshots, which recovery can do without; waits for the device. Throws LogStorageError. */
  flushNow(): void {
    const { log, segments, epochs } = this.#options
    try {
      const unflushed = segments.from(this.recoveryPoint)
      for (const segment of unflushed) segment.sync()
      let isComplete = true
      try {
        for (const segment of unflushed) segment.syncIndexes()
        epochs.flush(log.logEndOffset)
      } catch (error) {
        isComplete = this.#withoutRoom(error)
      }
      this.#syncNames()
      if (isComplete) this.#flushed(log.logEndOffset)
    } catch (error) {
      this.#failed(error)
    }
  }

  async #flushOnce(): Promise<void> {
    const { log, health } = this.#options
    if (health.closed) return
    if (health.failure !== undefined) throw health.failure
    try {
      await this.#sync(log.logEndOffset)
    } catch (error) {
      // A directory that is going away may be gone under its flush.
      if (health.closed) return
      this.#failed(error)
    }
  }

  async #sync(endOffset: number): Promise<void> {
    const truncations = this.#truncations
    const { segments, producers, epochs, health } = this.#options
    const unflushed = segments.from(this.recoveryPoint)
    for (const segment of unflushed) await segment.syncAsync()
    let isComplete = true
    try {
      for (const segment of unflushed) await segment.syncIndexesAsync()
      await producers.syncSnapshots()
      if (health.closed) return
      if (await epochs.flushAsync(() => !health.closed, endOffset)) this.namesChanged()
    } catch (error) {
      isComplete = this.#withoutRoom(error)
    }
    if (health.closed) return
    await this.#syncNamesAsync()
    if (isComplete && truncations === this.#truncations) this.#flushed(endOffset)
  }

  /** False where that was all that went wrong; throws the error where it was not. */
  #withoutRoom(error: unknown): false {
    if (!isOutOfRoom(error)) throw error
    const { logger, topicPartition } = this.#options
    if (!this.#outOfRoom)
      logger.warn('no room for the indexes of a log; its records are flushed without them', {
        partition: topicPartition,
        err: error,
      })
    this.#outOfRoom = true
    return false
  }

  #failed(error: unknown): never {
    const { health } = this.#options
    health.fail('flush', error)
    throw health.error('flush', error)
  }

  #syncNames(): void {
    const { fs, directory } = this.#options
    const names = this.#namesUnsynced
    if (names === undefined) return
    fs.syncDirectory(directory)
    if (names === 'parent too') fs.syncDirectory(`${directory}/..`)
    this.#namesUnsynced = undefined
  }

  async #syncNamesAsync(): Promise<void> {
    const { fs, directory, parent, health } = this.#options
    const names = this.#namesUnsynced
    if (names === undefined) return
    const changes = this.#nameChanges
    await fs.syncDirectoryAsync(directory)
    if (names === 'parent too') await parent.sync()
    if (health.closed) return
    // A `flushNow` meanwhile may have synced more than this, and what was made meanwhile waits for the next time.
    if (changes === this.#nameChanges) this.#namesUnsynced = undefined
    else if (this.#namesUnsynced !== undefined) this.#namesUnsynced = 'directory'
  }

  #flushed(endOffset: number): void {
    this.lastFlushMs = this.#options.clock.now()
    this.#outOfRoom = false
    if (endOffset > this.recoveryPoint) this.recoveryPoint = endOffset
  }
}

/** Whoever started that flush was told, and the log is offline. */
function ignoreEarlierFailure(): void {}
