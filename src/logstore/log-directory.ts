import { dirname, normalize } from 'node:path'
import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { type Random, randomUuid } from '../base/random.ts'
import {
  CorruptCheckpointError,
  formatOffsetCheckpoint,
  offsetCheckpointFiles,
  readOffsetCheckpoint,
  readSmallFile,
  replaceSmallFile,
} from './checkpoints.ts'
import { CleanerCheckpoint } from './compaction/cleaner-checkpoint.ts'
import {
  CLEAN_SHUTDOWN_FILE,
  LOCK_FILE,
  type MetaProperties,
  readMetaProperties,
  readTopicId,
  writeMetaProperties,
  writeTopicId,
} from './directory-files.ts'
import { DELETED_DIRECTORY_SUFFIX } from './file-names.ts'
import type { FileLock, FileSystem } from './file-system.ts'
import type { LogConfig } from './log-config.ts'
import { hasCode, LogDirectoryError, type LogStorageError } from './log-errors.ts'
import { OpenFiles } from './open-files.ts'
import { PartitionLog } from './partition-log.ts'
import { TailCacheBudget } from './tail-cache.ts'

export interface LogDirectoryOptions {
  readonly fs: FileSystem
  /** `log.dirs`; made where missing. */
  readonly path: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Bound of all tail caches together; 64 MiB unless given, 0 for none. */
  readonly tailCacheBytes?: number
  /** Bound of open segments; 1000 unless given. */
  readonly maxOpenFiles?: number
  readonly producerIdExpirationMs?: number
  /** The disk failed under one log. Kafka gives the whole directory up. */
  readonly onFailure?: (error: LogStorageError, log: { topic: string; partition: number }) => void
}

export interface TopicPartitionId {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** Kafka's intervals, by the keys they come from. */
export interface MaintenanceIntervals {
  /** `log.retention.check.interval.ms` */
  readonly retentionCheckMs: number
  /** `log.flush.scheduler.interval.ms` */
  readonly flushCheckMs: number
  /** `log.flush.offset.checkpoint.interval.ms` */
  readonly recoveryPointCheckpointMs: number
  /** `log.flush.start.offset.checkpoint.interval.ms` */
  readonly logStartOffsetCheckpointMs: number
  /** `replica.high.watermark.checkpoint.interval.ms` */
  readonly highWatermarkCheckpointMs: number
  /** `producer.id.expiration.check.interval.ms` */
  readonly producerExpirationCheckMs: number
}

const DEFAULT_TAIL_CACHE_BYTES = 64 * 1024 * 1024
/** Their syncs overlap; more would not help a disk. */
const LOGS_CLOSED_AT_ONCE = 8
const DELETED_DIRECTORY = /^.+\.[0-9a-f]{32}-delete$/
/** A topic, a `.`, 32 hex digits and the suffix must fit the 255 bytes of a file name. */
const MAX_DIRECTORY_NAME = 255

/**
 * One of `log.dirs` (Kafka's `LogManager` for one directory): the lock, whose it is, the checkpoints, the marker of a
 * clean stop, and the partitions' directories.
 *
 * The marker exists from a clean `close` to the next `open` only. Each checkpoint is replaced as one step and never
 * ahead of what it speaks of.
 */
export class LogDirectory {
  readonly path: string
  readonly hadCleanShutdown: boolean
  readonly tailCacheBudget: TailCacheBudget
  readonly cleanerCheckpoint: CleanerCheckpoint
  readonly #options: LogDirectoryOptions
  readonly #lock: FileLock
  readonly #openFiles: OpenFiles
  readonly #logs = new Map<string, PartitionLog>()
  readonly #removals = new Map<string, Timer>()
  readonly #timers = new Map<string, Timer>()
  /** Of partitions that are not open, kept for those that never were. */
  readonly #recoveryPoints: Map<string, number>
  readonly #logStartOffsets: Map<string, number>
  readonly #highWatermarks: Map<string, number>
  /** What was written to each checkpoint last. */
  readonly #checkpoints = new Map<string, Buffer>()
  /** Partitions' directories that belong to no partition there is. */
  readonly #leftAlone = new Set<string>()
  #meta: Partial<MetaProperties> | undefined
  #closed = false

  /**
   * Throws LogDirectoryError, whose message is for the operator: in use by another process, not writable, of a format
   * that is not known.
   */
  static open(options: LogDirectoryOptions): LogDirectory {
    return new LogDirectory(options)
  }

  private constructor(options: LogDirectoryOptions) {
    const { fs, path } = options
    this.path = path
    this.#options = options
    this.#openFiles = new OpenFiles(options.maxOpenFiles)
    this.tailCacheBudget = new TailCacheBudget(options.tailCacheBytes ?? DEFAULT_TAIL_CACHE_BYTES)
    const lock = usable(path, () => {
      makeDurableDirectory(fs, path)
      return fs.lock(`${path}/${LOCK_FILE}`)
    })
    if (lock === undefined)
      throw new LogDirectoryError(`${path}: in use by another process, which holds the lock on ${LOCK_FILE}`)
    this.#lock = lock
    try {
      this.#meta = readMetaProperties(fs, path)
      const marker = `${path}/${CLEAN_SHUTDOWN_FILE}`
      this.hadCleanShutdown = readSmallFile(fs, marker) !== undefined
      this.#recoveryPoints = this.#readOffsets(offsetCheckpointFiles.recoveryPoint)
      this.#logStartOffsets = this.#readOffsets(offsetCheckpointFiles.logStartOffset)
      this.#highWatermarks = this.#readOffsets(offsetCheckpointFiles.highWatermark)
      this.cleanerCheckpoint = new CleanerCheckpoint(fs, path, options.logger)
      usable(path, () => {
        if (!this.hadCleanShutdown) return
        fs.removeFile(marker)
        // From here on a crash must not look like a clean stop.
        fs.syncDirectory(path)
      })
      for (const name of fs.readDirectory(path)) if (DELETED_DIRECTORY.test(name)) this.#removeLater(name)
    } catch (error) {
      for (const timer of this.#removals.values()) timer.cancel()
      lock.release()
      throw error
    }
  }

  /** What `meta.properties` says; undefined in a directory that nobody has claimed. */
  get metaProperties(): Partial<MetaProperties> | undefined {
    return this.#meta
  }

  /** Makes it this node's directory, or checks that it is. Throws LogDirectoryError where it is another's. */
  claim(clusterId: string, nodeId: number): MetaProperties {
    const { fs, random } = this.#options
    const found = this.#meta
    if (found?.clusterId !== undefined && found.clusterId !== clusterId)
      throw new LogDirectoryError(`${this.path}: belongs to cluster ${found.clusterId}, not to ${clusterId}`)
    if (found?.nodeId !== undefined && found.nodeId !== nodeId)
      throw new LogDirectoryError(`${this.path}: belongs to node ${found.nodeId}, not to ${nodeId}`)
    const meta = { clusterId, nodeId, directoryId: found?.directoryId ?? randomUuid(random) }
    if (found?.clusterId === undefined || found.nodeId === undefined || found.directoryId === undefined)
      usable(this.path, () => writeMetaProperties(fs, this.path, meta))
    this.#meta = meta
    return meta
  }

  get openFileCount(): number {
    return this.#openFiles.size
  }

  /** The open logs. */
  get logs(): Iterable<PartitionLog> {
    return this.#logs.values()
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#logs.get(`${topic}-${partition}`)
  }

  /** The partitions that have a directory, open or not. */
  partitions(): {
    readonly topic: string
    readonly partition: number
    readonly topicId: string | undefined
  }[] {
    const { fs } = this.#options
    const found = []
    for (const name of fs.readDirectory(this.path)) {
      const match = /^(.+)-(\d+)$/.exec(name)
      if (match === null || !fs.stat(`${this.path}/${name}`).isDirectory) continue
      const topicId = readTopicId(fs, `${this.path}/${name}`)
      found.push({ topic: match[1] ?? '', partition: Number(match[2]), topicId })
    }
    return found
  }

  /**
   * The directory of a partition that there is not (any more): it stays as it is, a clean stop does not wait for its
   * recovery, and a partition of the same name does not get it.
   */
  leaveAlone(topic: string, partition: number): void {
    this.#leftAlone.add(`${topic}-${partition}`)
  }

  /**
   * The log of a partition, recovered if it has a directory, empty if not. A directory of that name that belongs to
   * another topic id, one whose deletion did not get this far, is set aside as Kafka does (`-stray`); so is one that was
   * to be left alone.
   */
  openOrCreate(identity: TopicPartitionId, config: LogConfig): PartitionLog {
    const { fs, clock, random, logger, producerIdExpirationMs } = this.#options
    const { topic, topicId, partition } = identity
    const name = `${topic}-${partition}`
    const existing = this.#logs.get(name)
    if (existing !== undefined) return existing
    const directory = `${this.path}/${name}`
    let storedId = fs.exists(directory) ? readTopicId(fs, directory) : undefined
    if ((storedId !== undefined && storedId !== topicId) || this.#leftAlone.delete(name)) {
      const stray = this.#uniqueName(name, '-stray')
      logger.warn('setting aside the log of another topic of the same name', {
        partition: name,
        topicId: storedId,
        directory: stray,
      })
      fs.rename(directory, `${this.path}/${stray}`)
      this.#forgetOffsets(name)
      storedId = undefined
    }
    const log = PartitionLog.open({
      fs,
      directory,
      topic,
      partition,
      config,
      clock,
      random,
      logger,
      openFiles: this.#openFiles,
      ...(this.tailCacheBudget.maxBytes > 0 ? { tailCacheBudget: this.tailCacheBudget } : {}),
      ...(producerIdExpirationMs === undefined ? {} : { producerIdExpirationMs }),
      recoveryPoint: this.#recoveryPoints.get(name) ?? 0,
      logStartOffset: this.#logStartOffsets.get(name) ?? 0,
      cleanOffset: this.cleanerCheckpoint.get(name) ?? 0,
      highWatermark: this.#highWatermarks.get(name) ?? 0,
      hadCleanShutdown: this.hadCleanShutdown,
      onFailure: (error) => this.#options.onFailure?.(error, { topic, partition }),
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
    this.#logs.set(name, log)
    return log
  }

  /** Renames the directory at once, so that the name is free, and removes it after `file.delete.delay.ms`. */
  delete(log: PartitionLog): void {
    const name = log.topicPartition
    if (this.#logs.get(name) !== log) return
    this.#logs.delete(name)
    this.#forgetOffsets(name)
    const renamed = this.#uniqueName(name, DELETED_DIRECTORY_SUFFIX)
    const { fs } = this.#options
    log.abandon(`${this.path}/${renamed}`)
    fs.rename(`${this.path}/${name}`, `${this.path}/${renamed}`)
    fs.syncDirectory(this.path)
    this.#removeLater(renamed, log.config.fileDeleteDelayMs)
  }

  /** Starts the periodic work; `close` ends it. */
  startMaintenance(intervals: MaintenanceIntervals): void {
    this.#every('retention', intervals.retentionCheckMs, () => this.deleteOldSegments())
    this.#every('flush', intervals.flushCheckMs, () => this.flushDirty())
    this.#every('recovery points', intervals.recoveryPointCheckpointMs, () => this.checkpointRecoveryPoints())
    this.#every('log starts', intervals.logStartOffsetCheckpointMs, () => this.checkpointLogStartOffsets())
    this.#every('high watermarks', intervals.highWatermarkCheckpointMs, () => this.checkpointHighWatermarks())
    this.#every('producers', intervals.producerExpirationCheckMs, () => this.expireProducers())
  }

  /** Returns how many segments went. Logs that are compacted are the cleaner's to apply retention to, as in Kafka. */
  deleteOldSegments(): number {
    const nowMs = this.#options.clock.now()
    let deleted = 0
    for (const log of this.#working()) {
      if (!log.config.cleanupPolicy.includes('compact')) deleted += log.deleteOldSegments(nowMs)
    }
    if (deleted > 0) this.checkpointLogStartOffsets()
    return deleted
  }

  /** Flushes the logs that `flush.ms` is over for. */
  async flushDirty(): Promise<void> {
    const nowMs = this.#options.clock.now()
    for (const log of [...this.#working()]) {
      const isDirty = log.recoveryPoint < log.logEndOffset
      if (isDirty && nowMs - log.lastFlushMs >= log.config.flushMs) await log.flush()
    }
  }

  /** Resolves when all of the log below `offset` is on the device, and the checkpoint says so. */
  async secure(log: PartitionLog, offset: number): Promise<void> {
    if (log.recoveryPoint < offset) await log.flush()
    if ((this.#recoveryPoints.get(log.topicPartition) ?? 0) < offset) this.checkpointRecoveryPoints()
  }

  expireProducers(): void {
    const nowMs = this.#options.clock.now()
    for (const log of this.#logs.values()) log.expireProducers(nowMs)
  }

  checkpointRecoveryPoints(): void {
    this.#writeOffsets(offsetCheckpointFiles.recoveryPoint, this.#recoveryPoints, (log) => log.recoveryPoint)
  }

  checkpointLogStartOffsets(): void {
    this.#writeOffsets(
      offsetCheckpointFiles.logStartOffset,
      this.#logStartOffsets,
      (log) => log.logStartOffset,
    )
  }

  checkpointHighWatermarks(): void {
    this.#writeOffsets(offsetCheckpointFiles.highWatermark, this.#highWatermarks, (log) => log.highWatermark)
  }

  /**
   * Closes the logs, writes the checkpoints and, where nothing failed, the marker of a clean stop; lets go of the lock
   * in any case. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const timer of [...this.#timers.values(), ...this.#removals.values()]) timer.cancel()
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
      const logs = this.#logs.values()
      await Promise.all(Array.from({ length: LOGS_CLOSED_AT_ONCE }, () => closeEach(logs)))
      this.checkpointRecoveryPoints()
      this.checkpointLogStartOffsets()
      this.checkpointHighWatermarks()
      if (!failed && (this.hadCleanShutdown || this.#allWereOpened())) {
        const marker = Buffer.from(JSON.stringify({ version: 0, brokerEpoch: -1 }))
        replaceSmallFile(this.#options.fs, this.path, CLEAN_SHUTDOWN_FILE, marker)
      }
    } finally {
      this.#lock.release()
    }
  }

  /** After an unclean stop, a log that nobody opened since is still to be recovered. */
  #allWereOpened(): boolean {
    return this.partitions().every(
      ({ topic, partition }) =>
        this.get(topic, partition) !== undefined || this.#leftAlone.has(`${topic}-${partition}`),
    )
  }

  *#working(): Generator<PartitionLog, void, undefined> {
    for (const log of this.#logs.values()) if (log.failure === undefined) yield log
  }

  #every(what: string, intervalMs: number, action: () => unknown): void {
    const run = async (): Promise<void> => {
      try {
        await action()
      } catch (error) {
        this.#options.logger.error('log maintenance failed', { what, directory: this.path, err: error })
      }
      if (!this.#closed) this.#every(what, intervalMs, action)
    }
    this.#timers.set(
      what,
      this.#options.clock.setTimer(intervalMs, () => void run()),
    )
  }

  #removeLater(name: string, delayMs = 0): void {
    const remove = (): void => {
      this.#removals.delete(name)
      try {
        this.#options.fs.removeDirectory(`${this.path}/${name}`)
      } catch (error) {
        this.#options.logger.warn('could not remove a deleted log; the next start will', { name, err: error })
      }
    }
    this.#removals.set(name, this.#options.clock.setTimer(delayMs, remove))
  }

  #uniqueName(name: string, suffix: string): string {
    const unique = `.${this.#options.random.bytes(16).toString('hex')}${suffix}`
    return name.slice(0, MAX_DIRECTORY_NAME - unique.length) + unique
  }

  #forgetOffsets(name: string): void {
    for (const offsets of [this.#recoveryPoints, this.#logStartOffsets, this.#highWatermarks])
      offsets.delete(name)
    this.cleanerCheckpoint.remove(name)
  }

  /** The checkpoint on disk must not speak of bytes that are about to go. */
  #lowerRecoveryPoint(name: string, offset: number): void {
    if ((this.#recoveryPoints.get(name) ?? 0) <= offset) return
    this.#recoveryPoints.set(name, offset)
    this.checkpointRecoveryPoints()
  }

  #readOffsets(name: string): Map<string, number> {
    try {
      return readOffsetCheckpoint(this.#options.fs, this.path, name)
    } catch (error) {
      if (!(error instanceof CorruptCheckpointError)) throw error
      // Without it everything is read and checked.
      this.#options.logger.warn('ignoring a corrupt checkpoint', { directory: this.path, err: error })
      return new Map()
    }
  }

  #writeOffsets(file: string, offsets: Map<string, number>, offsetOf: (log: PartitionLog) => number): void {
    for (const [name, log] of this.#logs) {
      if (log.failure === undefined) offsets.set(name, offsetOf(log))
    }
    const rows: [string, number, number][] = []
    for (const [name, offset] of offsets) {
      const dash = name.lastIndexOf('-')
      rows.push([name.slice(0, dash), Number(name.slice(dash + 1)), offset])
    }
    const bytes = formatOffsetCheckpoint(rows)
    // A broker that nobody uses leaves its disk alone.
    if (this.#checkpoints.get(file)?.equals(bytes) === true) return
    this.#checkpoints.delete(file)
    replaceSmallFile(this.#options.fs, this.path, file, bytes)
    this.#checkpoints.set(file, bytes)
  }
}

/** With the parents that it made, so that a crash can't take away the ground that flushed logs stand on. */
function makeDurableDirectory(fs: FileSystem, path: string): void {
  const parents: string[] = []
  for (let made = normalize(path); !fs.exists(made) && dirname(made) !== made; made = dirname(made))
    parents.push(dirname(made))
  fs.makeDirectory(path)
  for (const parent of parents) fs.syncDirectory(parent)
}

function usable<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    const why = hasCode(error, 'EROFS') || hasCode(error, 'EACCES') ? 'is not writable' : 'cannot be used'
    throw new LogDirectoryError(`${path}: ${why} (${error.message})`, { cause: error })
  }
}
