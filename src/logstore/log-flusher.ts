import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { FileSystem } from './file-system.ts'
import type { JoinedSync } from './joined-sync.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import { isOutOfRoom } from './log-errors.ts'
import type { LogHealth } from './log-health.ts'
import type { LogSegments } from './log-segments.ts'
import type { ProducerStates } from './producer-state.ts'

/** How often a log whose appends wait for the device has its indexes brought there, too. */
const WHOLE_FLUSH_MS = 1000
/** Of every log that nobody has flushed yet. */
const NOTHING_UNDER_WAY = Promise.resolve()

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
 *
 * One flush runs at a time. All who ask meanwhile share the next one, so that many producers cost one sync.
 */
export class LogFlusher {
  readonly #options: LogFlusherOptions
  /** All below is on the device. */
  recoveryPoint: number
  lastFlushMs: number
  /** All records below are on the device, whatever stands beside them. */
  #durableOffset: number
  /** Names were made or changed since the last sync of the directory; its own name, too, before the first. */
  #namesUnsynced: 'directory' | 'parent too' | undefined
  #nameChanges = 0
  #truncations = 0
  #outOfRoom = false
  #flushing: Promise<void> = NOTHING_UNDER_WAY
  /** The flush after the one under way, where somebody has asked for it, and whether it is of more than the records. */
  #queued: Promise<void> | undefined
  #queuedIsWhole = false

  constructor(options: LogFlusherOptions) {
    this.#options = options
    this.recoveryPoint = options.recoveryPoint
    this.#durableOffset = options.recoveryPoint
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
    if (offset < this.#durableOffset) this.#durableOffset = offset
  }

  /** All records below are on the device; at or above the recovery point. */
  get durableOffset(): number {
    return this.#durableOffset
  }

  /**
   * Resolves when all that is in the log now is on the device. Rejects with LogStorageError. Gives up where the log was
   * closed meanwhile.
   */
  flush(): Promise<void> {
    this.#queuedIsWhole = true
    return this.#next()
  }

  /**
   * The same of the records; what stands beside them, which recovery can do without, is flushed with them once a second.
   * Rejects where the log was closed meanwhile, too.
   */
  async flushRecords(): Promise<void> {
    const { log, clock, health } = this.#options
    const endOffset = log.logEndOffset
    const truncations = this.#truncations
    if (clock.now() - this.lastFlushMs >= WHOLE_FLUSH_MS) this.#queuedIsWhole = true
    await this.#next()
    if (this.#durableOffset < endOffset && truncations === this.#truncations)
      throw health.error('flush', new Error('the log is closed'))
  }

  /** Of what lies at `offset` or above, nothing is known to be on the device. */
  notFlushedFrom(offset: number): void {
    this.truncated(offset)
    this.namesChanged()
    for (const segment of this.#options.segments.from(offset)) segment.markUnsynced()
  }

  /** As `flushRecords`, waiting for the device. Throws the file system's error. */
  flushRecordsNow(): void {
    const { log, segments, fs, directory } = this.#options
    for (const segment of segments.from(this.#durableOffset)) segment.sync()
    if (this.#namesUnsynced !== undefined) fs.syncDirectory(directory)
    if (this.#namesUnsynced === 'parent too') fs.syncDirectory(`${directory}/..`)
    this.#durable(log.logEndOffset)
  }

  #next(): Promise<void> {
    if (this.#queued === undefined) {
      this.#queued = this.#flushing.catch(ignoreEarlierFailure).then(() => {
        const isWhole = this.#queuedIsWhole
        this.#queued = undefined
        this.#queuedIsWhole = false
        return this.#flushOnce(isWhole)
      })
      this.#flushing = this.#queued
    }
    return this.#queued
  }

  async #flushOnce(isWhole: boolean): Promise<void> {
    const { log, health } = this.#options
    if (health.closed) return
    if (health.failure !== undefined) throw health.failure
    try {
      if (isWhole) await this.#sync(log.logEndOffset)
      else await this.#syncRecords(log.logEndOffset)
    } catch (error) {
      // A directory that is going away may be gone under its flush.
      if (health.closed) return
      this.#failed(error)
    }
  }

  async #syncRecords(endOffset: number): Promise<void> {
    const truncations = this.#truncations
    const { segments, health } = this.#options
    for (const segment of segments.from(this.#durableOffset)) await segment.syncAsync()
    if (health.closed) return
    await this.#syncNames()
    if (!health.closed && truncations === this.#truncations) this.#durable(endOffset)
  }

  async #sync(endOffset: number): Promise<void> {
    const truncations = this.#truncations
    const { segments, producers, epochs, health } = this.#options
    const unflushed = segments.from(this.recoveryPoint)
    for (const segment of unflushed) await segment.syncAsync()
    let isComplete = true
    try {
      for (const segment of unflushed) {
        await segment.syncIndexesAsync()
        if (segment.takeNewNames()) this.namesChanged()
      }
      await producers.syncSnapshots()
      if (health.closed) return
      if (await epochs.flushAsync(() => !health.closed, endOffset)) this.namesChanged()
    } catch (error) {
      isComplete = this.#withoutRoom(error)
    }
    if (health.closed) return
    await this.#syncNames()
    if (truncations !== this.#truncations) return
    this.#durable(endOffset)
    if (isComplete) this.#flushed(endOffset)
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

  async #syncNames(): Promise<void> {
    const { fs, directory, parent, health } = this.#options
    const names = this.#namesUnsynced
    if (names === undefined) return
    const changes = this.#nameChanges
    await fs.syncDirectoryAsync(directory)
    if (names === 'parent too') await parent.sync()
    if (health.closed) return
    // What was made meanwhile waits for the next time.
    this.#namesUnsynced = changes === this.#nameChanges ? undefined : 'directory'
  }

  #durable(endOffset: number): void {
    if (endOffset > this.#durableOffset) this.#durableOffset = endOffset
  }

  #flushed(endOffset: number): void {
    this.lastFlushMs = this.#options.clock.now()
    this.#outOfRoom = false
    if (endOffset > this.recoveryPoint) this.recoveryPoint = endOffset
  }
}

/** Whoever started that flush was told, and the log is offline. */
function ignoreEarlierFailure(): void {}
