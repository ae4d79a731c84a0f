import type { BufferPool } from '../base/buffer-pool.ts'
import type { Clock } from '../base/clock.ts'
import { invariant } from '../base/invariant.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { runAtOnce, type Steps } from '../base/steps.ts'
import { CleanerCheckpoint } from './compaction/cleaner-checkpoint.ts'
import { type CheckpointKind, DirectoryCheckpoints } from './directory-checkpoints.ts'
import { type MetaProperties, readTopicId, writeTopicId } from './directory-files.ts'
import { DirectoryOwnership, usable } from './directory-ownership.ts'
import {
  FUTURE_DIRECTORY_SUFFIX,
  isDeletedDirectory,
  LOG_SUFFIX,
  offsetFileName,
  type PartitionDirectory,
  parsePartitionDirectory,
} from './file-names.ts'
import type { FileSystem, FileSystemSpace } from './file-system.ts'
import { JoinedSync } from './joined-sync.ts'
import type { LogConfig } from './log-config.ts'
import { isDeviceFailure, LogStorageError } from './log-errors.ts'
import { LogMaintenance, type MaintenanceIntervals } from './log-maintenance.ts'
import { OpenFiles } from './open-files.ts'
import { PartitionLog } from './partition-log.ts'
import { ReadAheads } from './read-ahead.ts'
import { RetiredDirectories } from './retired-directories.ts'
import type { TailCacheBudget } from './tail-cache.ts'

export interface LogDirectoryOptions {
  readonly fs: FileSystem
  /** One of `log.dirs`; made where missing. */
  readonly path: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Shared by all log directories; without it nothing is kept in memory. */
  readonly tailCacheBudget?: TailCacheBudget
  /** Where what is read gets its memory. */
  readonly buffers?: BufferPool
  /** Shared by all log directories; without it this one bounds its own. */
  readonly openFiles?: OpenFiles
  readonly producerIdExpirationMs?: number
  /** The disk failed, under the directory or a log in it. Once; `abandon` is the caller's. */
  readonly onFailure?: (error: Error) => void
}

/** A partition's directory that was found. */
export interface FoundPartition extends PartitionDirectory {
  readonly name: string
  /** Undefined where the directory has lost it, or got none before a kill. */
  readonly topicId: string | undefined
}

export interface TopicPartitionId {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** Their syncs overlap, and share what the file system writes for each; more than there are threads for are no use. */
const LOGS_CLOSED_AT_ONCE = 64

/**
 * One of `log.dirs` (Kafka's `LogManager` for one directory): the lock, whose it is, the checkpoints, the marker of a
 * clean stop, and the partitions' directories.
 *
 * The marker exists from a clean `close` to the next `open` only. Each checkpoint is replaced as one step and never
 * ahead of what it speaks of.
 */
export class LogDirectory {
  readonly path: string
  readonly cleanerCheckpoint: CleanerCheckpoint
  readonly #options: LogDirectoryOptions
  readonly #ownership: DirectoryOwnership
  readonly #openFiles: OpenFiles
  readonly #namesSync: JoinedSync
  readonly #readAheads: ReadAheads | undefined
  readonly #logs = new Map<string, PartitionLog>()
  /** Copies that are being made of logs in other directories. */
  readonly #futures = new Map<string, PartitionLog>()
  readonly #retired: RetiredDirectories
  readonly #maintenance: LogMaintenance
  readonly #checkpoints: DirectoryCheckpoints
  /** Partitions' directories that belong to no partition there is. */
  readonly #leftAlone = new Set<string>()
  #failure: Error | undefined
  #closed = false

  /**
   * Throws LogDirectoryError, whose message is for the operator: in use by another process, not writable, of a format
   * that is not known.
   */
  static open(options: LogDirectoryOptions): LogDirectory {
    return new LogDirectory(options)
  }

  private constructor(options: LogDirectoryOptions) {
    const { fs, path, logger, clock } = options
    this.path = path
    this.#options = options
    this.#openFiles = options.openFiles ?? new OpenFiles()
    this.#namesSync = new JoinedSync(fs, path)
    this.#readAheads = options.buffers && new ReadAheads(options.buffers)
    this.#retired = new RetiredDirectories(options)
    this.#maintenance = new LogMaintenance({
      path,
      logs: () => this.#working(),
      checkpoint: (kind) => this.#checkpointMeanwhile(kind),
      onError: (error) => this.#failWith(error),
      clock,
      logger,
    })
    this.#ownership = DirectoryOwnership.take(fs, path)
    try {
      const read = usable(path, () => ({
        checkpoints: new DirectoryCheckpoints(fs, path, logger),
        cleanerCheckpoint: new CleanerCheckpoint(fs, path, logger),
        names: fs.readDirectory(path),
      }))
      this.#checkpoints = read.checkpoints
      this.cleanerCheckpoint = read.cleanerCheckpoint
      this.#ownership.removeMarker()
      for (const name of read.names) if (isDeletedDirectory(name)) this.#retired.removeLater(name)
    } catch (error) {
      this.#retired.cancel()
      this.#ownership.release()
      throw error
    }
  }

  /** Whether the last process stopped cleanly; of this opening, whatever happens since. */
  get hadCleanShutdown(): boolean {
    return this.#ownership.hadCleanShutdown
  }

  /** What `meta.properties` says; undefined in a directory that nobody has claimed. */
  get metaProperties(): Partial<MetaProperties> | undefined {
    return this.#ownership.metaProperties
  }

  /** Makes it this node's directory, or checks that it is. Throws LogDirectoryError where it is another's. */
  claim(clusterId: string, nodeId: number): MetaProperties {
    return this.#ownership.claim(clusterId, nodeId, this.#options.random)
  }

  /** The id in `meta.properties`. Only of a directory that was claimed. */
  get id(): string {
    return this.#ownership.id
  }

  /** Why nothing here can be used any more; undefined while it works. */
  get failure(): Error | undefined {
    return this.#failure
  }

  get openFileCount(): number {
    return this.#openFiles.size
  }

  /** The open logs, without futures. */
  get logs(): Iterable<PartitionLog> {
    return this.#logs.values()
  }

  get futures(): Iterable<PartitionLog> {
    return this.#futures.values()
  }

  /** Open logs, futures among them: what a new partition's place is chosen by. */
  get logCount(): number {
    return this.#logs.size + this.#futures.size
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(`${topic}-${partition}`)
  }

  getFuture(topic: string, partition: number): PartitionLog | undefined {
    return this.#futures.get(`${topic}-${partition}`)
  }

  /** Throws what the file system does. */
  space(): FileSystemSpace {
    return this.#options.fs.space(this.path)
  }

  /** The partitions that have a directory, open or not, and the copies. */
  found(): FoundPartition[] {
    const { fs } = this.#options
    const found: FoundPartition[] = []
    for (const name of fs.readDirectory(this.path)) {
      const parsed = parsePartitionDirectory(name)
      const path = `${this.path}/${name}`
      if (parsed === undefined || !fs.stat(path).isDirectory) continue
      found.push({ ...parsed, name, topicId: readTopicId(fs, path) })
    }
    return found
  }

  /** Whether there was never a record in what was found under `name`. */
  isUntouched(name: string): boolean {
    const { fs } = this.#options
    const directory = `${this.path}/${name}`
    const first = offsetFileName(0, LOG_SUFFIX)
    return fs
      .readDirectory(directory)
      .every(
        (file) =>
          !file.endsWith(LOG_SUFFIX) || (file === first && fs.stat(`${directory}/${file}`).size === 0),
      )
  }

  /**
   * A directory that belongs to no partition there is (any more): it stays as it is, a clean stop does not wait for its
   * recovery, and a partition of the same name does not get it.
   */
  leaveAlone(name: string): void {
    this.#leftAlone.add(name)
  }

  /** Gives up the name of a directory that was to be left alone, for a partition that gets a log here or elsewhere. */
  setAsideStray(topic: string, partition: number): void {
    const { fs } = this.#options
    const name = `${topic}-${partition}`
    const directory = `${this.path}/${name}`
    if (this.#leftAlone.delete(name) && fs.exists(directory))
      this.#setAside(topic, partition, readTopicId(fs, directory))
  }

  /**
   * The log of a partition, recovered if it has a directory, empty if not. A directory of that name that belongs to
   * another topic id, one whose deletion did not get this far, is set aside as Kafka does (`-stray`); so is one that was
   * to be left alone.
   */
  openOrCreate(identity: TopicPartitionId, config: LogConfig): PartitionLog {
    return runAtOnce(this.opening(identity, config))
  }

  /** As `openOrCreate`; nobody else may open or delete it meanwhile. */
  *opening(identity: TopicPartitionId, config: LogConfig): Steps<PartitionLog> {
    const { fs } = this.#options
    const { topic, topicId, partition } = identity
    const name = `${topic}-${partition}`
    const existing = this.#logs.get(name)
    if (existing !== undefined) return existing
    const directory = `${this.path}/${name}`
    this.setAsideStray(topic, partition)
    let storedId = fs.exists(directory) ? readTopicId(fs, directory) : undefined
    if (storedId !== undefined && storedId !== topicId) {
      this.#setAside(topic, partition, storedId)
      storedId = undefined
    }
    // A recovery point above nothing would be believed once there is something.
    if (!fs.exists(directory)) {
      this.#forgetOffsets(name)
      if (this.#checkpoints.isStale(name)) this.checkpointRecoveryPoints()
    }
    const log = yield* this.#open(identity, directory, storedId, config, 'found')
    this.#logs.set(name, log)
    return log
  }

  /** The copy of a partition whose log is in another directory: the one found under `name`, or a new one. */
  openOrCreateFuture(identity: TopicPartitionId, config: LogConfig, name?: string): PartitionLog {
    const { fs } = this.#options
    const { topic, partition } = identity
    const path = `${this.path}/${name ?? this.#retired.uniqueName(topic, partition, FUTURE_DIRECTORY_SUFFIX)}`
    const storedId = name === undefined ? undefined : readTopicId(fs, path)
    let log: PartitionLog
    try {
      // Batches that are copied would push out of the cache what consumers are about to read.
      log = runAtOnce(this.#open(identity, path, storedId, config, 'found', false))
    } catch (error) {
      // What a copy that was not begun leaves behind, nobody would look for.
      if (name === undefined && fs.exists(path)) fs.removeDirectory(path)
      throw error
    }
    this.#futures.set(`${topic}-${partition}`, log)
    return log
  }

  /**
   * Puts the copy in the place of the log it was made of, which has left that place: gives it the partition's name and
   * opens it under that. All that it holds must be flushed or may be lost in a crash.
   */
  promoteFuture(future: PartitionLog, identity: TopicPartitionId, config: LogConfig): PartitionLog {
    const name = future.topicPartition
    invariant(this.#futures.get(name) === future, `${name} is copied to ${this.path}`)
    const { fs } = this.#options
    const { directory, logStartOffset, highWatermark, recoveryPoint } = future
    future.seal()
    this.#futures.delete(name)
    future.abandon()
    this.setAsideStray(identity.topic, identity.partition)
    this.#checkpoints.set(name, { recoveryPoint, logStartOffset, highWatermark })
    const path = `${this.path}/${name}`
    fs.rename(directory, path)
    fs.syncDirectory(this.path)
    const log = runAtOnce(this.#open(identity, path, identity.topicId, config, 'sealed'))
    // It was sealed, not flushed.
    log.notFlushedFrom(recoveryPoint)
    this.#logs.set(name, log)
    return log
  }

  /** Before any log is open: the copy under `name` takes the place of a log that has left it. */
  adoptFuture(name: string, topic: string, partition: number): void {
    const { fs, logger } = this.#options
    logger.warn('a copy takes the place of the log it was made of', { directory: this.path, name })
    this.setAsideStray(topic, partition)
    fs.rename(`${this.path}/${name}`, `${this.path}/${topic}-${partition}`)
    fs.syncDirectory(this.path)
  }

  /**
   * Renames the directories at once, so that the names are free, and removes them after `file.delete.delay.ms`. Logs
   * and copies that are not here are passed over. Many together cost one sync.
   */
  delete(logs: Iterable<PartitionLog>): void {
    const renamed: { readonly name: string; readonly delayMs: number }[] = []
    try {
      for (const log of logs) {
        const name = this.#rename(log)
        if (name !== undefined) renamed.push({ name, delayMs: log.config.fileDeleteDelayMs })
      }
      if (renamed.length > 0) this.#options.fs.syncDirectory(this.path)
    } finally {
      for (const { name, delayMs } of renamed) this.#retired.removeLater(name, delayMs)
    }
  }

  /** Gives the directory of a log that is here the name under which it is removed later. */
  #rename(log: PartitionLog): string | undefined {
    const { topic, partition, topicPartition, directory } = log
    const logs = this.#futures.get(topicPartition) === log ? this.#futures : this.#logs
    if (logs.get(topicPartition) !== log) return undefined
    logs.delete(topicPartition)
    this.#forgetOffsets(topicPartition)
    const renamed = this.#retired.deletedName(topic, partition)
    log.abandon(`${this.path}/${renamed}`)
    this.#options.fs.rename(directory, `${this.path}/${renamed}`)
    return renamed
  }

  /** As `delete`, for partitions that were found and are not open. */
  deleteFound(partitions: readonly { readonly topic: string; readonly partition: number }[]): void {
    const { fs } = this.#options
    const renamed: string[] = []
    try {
      for (const { topic, partition } of partitions) {
        const name = `${topic}-${partition}`
        this.#forgetOffsets(name)
        const deleted = this.#retired.deletedName(topic, partition)
        fs.rename(`${this.path}/${name}`, `${this.path}/${deleted}`)
        renamed.push(deleted)
      }
      if (renamed.length > 0) fs.syncDirectory(this.path)
    } finally {
      for (const name of renamed) this.#retired.removeLater(name)
    }
  }

  /** Removes a copy that is of no use and not open, found under `name`. */
  discardFuture(name: string, topic: string, partition: number): void {
    const { fs } = this.#options
    const renamed = this.#retired.deletedName(topic, partition)
    fs.rename(`${this.path}/${name}`, `${this.path}/${renamed}`)
    this.#retired.removeLater(renamed)
  }

  /** After a failure: nothing of it is read or written any more. The lock stays until `close`. */
  abandon(): void {
    this.#cancelTimers()
    for (const log of [...this.#logs.values(), ...this.#futures.values()]) log.abandon()
    this.#logs.clear()
    this.#futures.clear()
  }

  /** Leaves everything as it was found, where no log was opened yet. */
  release(): void {
    this.#closed = true
    this.#cancelTimers()
    try {
      if (this.hadCleanShutdown) this.#ownership.markClean()
    } finally {
      this.#ownership.release()
    }
  }

  /** The disk failed: the caller is told, and nothing is written from here on. */
  fail(error: Error): void {
    if (this.#failure !== undefined || this.#closed) return
    this.#failure = error
    this.#cancelTimers()
    this.#options.logger.error('a log directory is offline', { directory: this.path, err: error })
    this.#options.onFailure?.(error)
  }

  /** Starts the periodic work; `close` ends it. */
  startMaintenance(intervals: MaintenanceIntervals): void {
    this.#maintenance.start(intervals)
  }

  /** Returns how many segments went. Logs that are compacted are the cleaner's to apply retention to, as in Kafka. */
  deleteOldSegments(): Promise<number> {
    return this.#maintenance.deleteOldSegments()
  }

  /** Resolves when all of the log below `offset` is on the device, and the checkpoint says so. Rejects where it can't. */
  async secure(log: PartitionLog, offset: number): Promise<void> {
    if (log.recoveryPoint < offset) await log.flush()
    if (log.recoveryPoint < offset) throw outOfRoom(log)
    const isKnown = this.#checkpoints.get(log.topicPartition).recoveryPoint >= offset
    if (!isKnown || this.#checkpoints.isWriting('recoveryPoint')) this.checkpointRecoveryPoints()
  }

  checkpointRecoveryPoints(): void {
    this.#checkpoint('recoveryPoint')
  }

  checkpointLogStartOffsets(): void {
    this.#checkpoint('logStartOffset')
  }

  checkpointHighWatermarks(): void {
    this.#checkpoint('highWatermark')
  }

  /**
   * Closes the logs, writes the checkpoints and, where nothing failed, the marker of a clean stop; lets go of the lock
   * in any case. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelTimers()
    await this.#retired.idle()
    if (this.#failure !== undefined) {
      this.abandon()
      this.#ownership.release()
      return
    }
    try {
      let failed = false
      const closeEach = async (logs: Iterator<PartitionLog>): Promise<void> => {
        for (let next = logs.next(); !next.done; next = logs.next()) {
          const log = next.value
          failed ||= log.failure !== undefined
          try {
            await log.close()
          } catch (error) {
            failed = true
            this.#options.logger.error('could not close a log', { partition: log.topicPartition, err: error })
          }
        }
      }
      const logs = [...this.#logs.values(), ...this.#futures.values()].values()
      await Promise.all(Array.from({ length: LOGS_CLOSED_AT_ONCE }, () => closeEach(logs)))
      this.checkpointRecoveryPoints()
      this.checkpointLogStartOffsets()
      this.checkpointHighWatermarks()
      if (!failed && (this.hadCleanShutdown || this.#allWereOpened())) this.#ownership.markClean()
    } finally {
      this.#ownership.release()
    }
  }

  /** After an unclean stop, a log that nobody opened since is still to be recovered. */
  #allWereOpened(): boolean {
    return this.found().every(({ kind, topic, partition, name }) => {
      const log = kind === 'future' ? this.getFuture(topic, partition) : this.get(topic, partition)
      return log !== undefined || this.#leftAlone.has(name)
    })
  }

  *#working(): Generator<PartitionLog, void, undefined> {
    if (this.#failure !== undefined) return
    for (const log of this.#logs.values()) if (log.failure === undefined) yield log
    for (const log of this.#futures.values()) if (log.failure === undefined) yield log
  }

  *#open(
    { topic, topicId, partition }: TopicPartitionId,
    directory: string,
    storedId: string | undefined,
    config: LogConfig,
    state: 'found' | 'sealed',
    isCached = true,
  ): Steps<PartitionLog> {
    const { fs, clock, random, logger, producerIdExpirationMs, tailCacheBudget, buffers } = this.#options
    const name = `${topic}-${partition}`
    const log = yield* PartitionLog.opening({
      fs,
      directory,
      topic,
      partition,
      config,
      clock,
      random,
      logger,
      openFiles: this.#openFiles,
      parentSync: this.#namesSync,
      ...(tailCacheBudget !== undefined && tailCacheBudget.maxBytes > 0 && isCached
        ? { tailCacheBudget }
        : {}),
      ...(buffers === undefined ? {} : { buffers }),
      ...(this.#readAheads === undefined ? {} : { readAheads: this.#readAheads }),
      ...(producerIdExpirationMs === undefined ? {} : { producerIdExpirationMs }),
      ...this.#checkpoints.get(name),
      cleanOffset: this.cleanerCheckpoint.get(name) ?? 0,
      // What is sealed is whole, and may reach beyond what the checkpoint has on the device.
      ...(state === 'sealed'
        ? { hadCleanShutdown: true, recoveryPoint: 0 }
        : { hadCleanShutdown: this.hadCleanShutdown }),
      onFailure: (error) => this.fail(error),
      directoryFailure: () => this.#failure,
      beforeTruncation: (offset) => {
        this.#lowerRecoveryPoint(name, offset)
        this.cleanerCheckpoint.truncate(name, offset)
      },
    })
    try {
      if (storedId === undefined) writeTopicId(fs, directory, topicId)
    } catch (error) {
      log.abandon()
      throw error
    }
    return log
  }

  #setAside(topic: string, partition: number, topicId: string | undefined): void {
    this.#retired.setAside(topic, partition, topicId)
    this.#forgetOffsets(`${topic}-${partition}`)
  }

  #forgetOffsets(name: string): void {
    this.#checkpoints.forget(name)
    this.cleanerCheckpoint.remove(name)
  }

  #cancelTimers(): void {
    this.#maintenance.stop()
    this.#checkpoints?.cancel()
    this.#retired.cancel()
  }

  /** The checkpoint on disk must not speak of bytes that are about to go. */
  #lowerRecoveryPoint(name: string, offset: number): void {
    const offsets = this.#checkpoints.get(name)
    if (offsets.recoveryPoint <= offset) return
    this.#checkpoints.set(name, { ...offsets, recoveryPoint: offset })
    this.checkpointRecoveryPoints()
  }

  #checkpoint(kind: CheckpointKind): void {
    if (this.#failure === undefined) this.#checkpoints.write(kind, this.#working())
  }

  async #checkpointMeanwhile(kind: CheckpointKind): Promise<void> {
    if (this.#failure === undefined) await this.#checkpoints.writeMeanwhile(kind, this.#working())
  }

  #failWith(error: unknown): void {
    if (error instanceof Error && isDeviceFailure(error)) this.fail(error)
  }
}

/** A flush that was no more than the records. */
function outOfRoom({ topicPartition }: PartitionLog): LogStorageError {
  const cause = Object.assign(new Error('ENOSPC: no room for what stands beside the records'), {
    code: 'ENOSPC',
  })
  return new LogStorageError(`could not secure the log of ${topicPartition}`, cause)
}
