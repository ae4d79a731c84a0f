import { resolve } from 'node:path'
import { invariant } from '../base/invariant.ts'
import type { Steps } from '../base/steps.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import type { FileSystemSpace } from './file-system.ts'
import type { LogConfig } from './log-config.ts'
import {
  type FoundPartition,
  LogDirectory,
  type LogDirectoryOptions,
  type TopicPartitionId,
} from './log-directory.ts'
import { isDeviceFailure, LogDirectoryError, UnusableDirectoryError } from './log-errors.ts'
import type { MaintenanceIntervals } from './log-maintenance.ts'
import { OpenFiles } from './open-files.ts'
import type { PartitionLog } from './partition-log.ts'
import { TailCacheBudget } from './tail-cache.ts'

export interface LogDirectoriesOptions
  extends Omit<LogDirectoryOptions, 'path' | 'tailCacheBudget' | 'openFiles' | 'onFailure'> {
  /** `log.dirs`, one at least. */
  readonly paths: readonly string[]
  /** `metadata.log.dir`; the first of `paths` unless given. It need not be one of them. */
  readonly metadataPath?: string
  /** Bound of all tail caches together; 16 MiB unless given, 0 for none. */
  readonly tailCacheBytes?: number
  /** Bound of open segments of all directories; what the file system says unless given, or 1000. */
  readonly maxOpenFiles?: number
  /** Whether new partitions keep out of this directory (`cordoned.log.dirs`); an absolute path. */
  readonly isCordoned?: (path: string) => boolean
  /**
   * The disk failed under a directory that was in use: never from within a call of these classes, so that whoever
   * caused it has gone on. The logs of the directory are closed when it returns.
   */
  readonly onFailure?: (directory: LogDirectory, error: Error) => void
}

/** What the metadata says of a partition that this broker holds. */
export interface KnownPartition {
  readonly topicId: string
  /** Where its log is; undefined where nobody has said. */
  readonly directoryId: string | undefined
}

/** Where a partition's directory was found. */
interface FoundPlace {
  readonly directory: LogDirectory
  readonly found: FoundPartition
}

/** One of `log.dirs` as DescribeLogDirs shows it. */
export type DescribedDirectory =
  | {
      readonly path: string
      readonly directory: LogDirectory
      readonly space: FileSystemSpace
      readonly isCordoned: boolean
    }
  | { readonly path: string; readonly directory?: undefined }

export interface PlaceOptions {
  /** The directory that the metadata has noted; undefined for none. */
  readonly directoryId: string | undefined
  /** Made just now: there can't be a log of it in a directory that is offline. */
  readonly isNew: boolean
}

export interface PlacedLog {
  readonly log: PartitionLog
  readonly directory: LogDirectory
}

interface Place {
  readonly path: string
  /** Undefined where it could not be opened. */
  readonly directory: LogDirectory | undefined
  /** One of `log.dirs`, and not of the metadata alone. */
  readonly takesLogs: boolean
}

const DEFAULT_TAIL_CACHE_BYTES = 16 * 1024 * 1024
/** Clients may name partitions that don't exist; the oldest wishes are forgotten first. */
const MAX_PREFERENCES = 10_000

/**
 * All of `log.dirs` (Kafka's `LogManager`): which of them can be used, in which one a partition's log is, and where a
 * new one goes: to the directory with the fewest. A directory that fails takes its logs with it, and the others go on.
 */
export class LogDirectories {
  readonly tailCacheBudget: TailCacheBudget
  readonly #options: LogDirectoriesOptions
  readonly #openFiles: OpenFiles
  readonly #places: Place[] = []
  /** The directories of partitions that are not open yet, by `topic-partition`. */
  readonly #found = new Map<string, LogDirectory>()
  readonly #foundFutures = new Map<string, { readonly directory: LogDirectory; readonly name: string }>()
  /** Where AlterReplicaLogDirs wants partitions that this broker has not yet. */
  readonly #preferences = new Map<string, LogDirectory>()

  /**
   * Throws LogDirectoryError, whose message is for the operator, where no directory can be used, or the one of the
   * metadata can't, or one is another process's.
   */
  static open(options: LogDirectoriesOptions): LogDirectories {
    const directories = new LogDirectories(options)
    try {
      directories.#open()
      return directories
    } catch (error) {
      for (const directory of directories.online) directory.release()
      throw error
    }
  }

  private constructor(options: LogDirectoriesOptions) {
    this.#options = options
    this.#openFiles = new OpenFiles(options.maxOpenFiles ?? options.fs.maxOpenFiles)
    this.tailCacheBudget = new TailCacheBudget(
      options.tailCacheBytes ?? DEFAULT_TAIL_CACHE_BYTES,
      options.buffers,
    )
  }

  #open(): void {
    const { paths, metadataPath, logger } = this.#options
    const logPaths = paths.map((path) => resolve(path))
    const metadata = metadataPath === undefined ? logPaths[0]! : resolve(metadataPath)
    const twice = logPaths.find((path, index) => logPaths.indexOf(path) !== index)
    if (twice !== undefined) throw new LogDirectoryError(`log.dirs: ${twice} is named twice`)
    for (const path of new Set([metadata, ...logPaths])) {
      const takesLogs = logPaths.includes(path)
      try {
        this.#places.push({ path, directory: this.#openOne(path), takesLogs })
      } catch (error) {
        if (!(error instanceof UnusableDirectoryError) || path === metadata) throw error
        logger.error('a log directory cannot be used; its partitions are offline', {
          directory: path,
          err: error,
        })
        this.#places.push({ path, directory: undefined, takesLogs })
      }
    }
    // Kafka tells of them in the order of `log.dirs`.
    this.#places.sort((a, b) => logPaths.indexOf(a.path) - logPaths.indexOf(b.path))
    if (!this.online.some((directory) => logPaths.includes(directory.path)))
      throw new LogDirectoryError(`log.dirs: none of ${logPaths.join(', ')} can be used`)
  }

  #openOne(path: string): LogDirectory {
    const directory: LogDirectory = LogDirectory.open({
      ...this.#options,
      path,
      tailCacheBudget: this.tailCacheBudget,
      openFiles: this.#openFiles,
      onFailure: (error) => queueMicrotask(() => this.#failed(directory, error)),
    })
    return directory
  }

  /** Those that can be used, also the one of the metadata, in the order of `log.dirs`. */
  get online(): LogDirectory[] {
    return this.#places.flatMap(({ directory }) =>
      directory === undefined || directory.failure !== undefined ? [] : [directory],
    )
  }

  /** Where the metadata is. Can be offline. */
  get metadataDirectory(): LogDirectory {
    const { metadataPath, paths } = this.#options
    const path = resolve(metadataPath ?? paths[0]!)
    const directory = this.#places.find((place) => place.path === path)?.directory
    invariant(directory !== undefined, 'the directory of the metadata is open')
    return directory
  }

  /** How many of `log.dirs` cannot be used. */
  get offlineCount(): number {
    return this.#places.filter(
      ({ directory, takesLogs }) => takesLogs && (directory === undefined || directory.failure !== undefined),
    ).length
  }

  /** False where any directory in use was left by a kill or a crash. */
  get hadCleanShutdown(): boolean {
    return this.online.every((directory) => directory.hadCleanShutdown)
  }

  get openFileCount(): number {
    return this.#openFiles.size
  }

  /** The open logs, without futures. */
  *logs(): Generator<PartitionLog, void, undefined> {
    for (const directory of this.online) yield* directory.logs
  }

  /** The ids of the directories that take logs and can be used. */
  get onlineIds(): string[] {
    return this.#takingLogs().map(({ id }) => id)
  }

  /** Whether new partitions are to keep out of every directory that can be used. */
  get areCordoned(): boolean {
    return this.#takingLogs().every(({ path }) => this.isCordoned(path))
  }

  /** Whether new partitions are to keep out of this one. */
  isCordoned(path: string): boolean {
    return this.#options.isCordoned?.(path) ?? false
  }

  /** Of the cluster that claimed any of them; undefined where none is claimed. */
  get clusterId(): string | undefined {
    for (const { metaProperties } of [this.metadataDirectory, ...this.online])
      if (metaProperties?.clusterId !== undefined) return metaProperties.clusterId
    return undefined
  }

  /** As LogDirectory.claim, for each. Throws LogDirectoryError also where two bear one id. */
  claim(clusterId: string, nodeId: number): void {
    const ids = new Map<string, string>()
    for (const directory of this.online) {
      const { directoryId } = directory.claim(clusterId, nodeId)
      const other = ids.get(directoryId)
      if (other !== undefined)
        throw new LogDirectoryError(
          `${other} and ${directory.path}: both have the directory id ${directoryId}`,
        )
      ids.set(directoryId, directory.path)
    }
  }

  /**
   * Looks through what there is, once, before any log is opened. Directories of partitions that are not known are left
   * alone, and returned. A copy whose log has gone from its place takes that place: a kill came between the two. Throws
   * LogDirectoryError for a partition that is in two directories, which Kafka starts with as little, unless one of them
   * is what a failed disk or a kill left of making it.
   */
  recognise(known: (topic: string, partition: number) => KnownPartition | undefined): string[] {
    const unknown: string[] = []
    const places = new Map<string, FoundPlace>()
    const futures: (FoundPlace & { readonly known: KnownPartition })[] = []
    for (const directory of this.#takingLogs()) {
      for (const found of directory.found()) {
        const partition = known(found.topic, found.partition)
        // A directory that has lost its topic's id, or got none before a kill, is taken for the topic's of that name.
        let stray: FoundPlace | undefined
        if (partition === undefined || (found.topicId !== undefined && found.topicId !== partition.topicId))
          stray = { directory, found }
        else if (found.kind === 'future') futures.push({ directory, found, known: partition })
        else stray = lesser(places, { directory, found })
        if (stray === undefined) continue
        stray.directory.leaveAlone(stray.found.name)
        unknown.push(`${stray.directory.path}/${stray.found.name}`)
      }
    }
    for (const [name, { directory }] of places) this.#found.set(name, directory)
    for (const { directory, found, known: partition } of futures) {
      const name = `${found.topic}-${found.partition}`
      // One without an id was just being made; one beside its log was put there by hand.
      if (found.topicId === undefined || this.#found.get(name) === directory) {
        directory.discardFuture(found.name, found.topic, found.partition)
        continue
      }
      const other = this.#foundFutures.get(name)
      if (other !== undefined)
        throw new LogDirectoryError(
          `Duplicate log directories found: ${directory.path}/${found.name}, ${other.directory.path}/${other.name}`,
        )
      if (!this.#found.has(name) && this.#hasLeft(partition)) {
        directory.adoptFuture(found.name, found.topic, found.partition)
        this.#found.set(name, directory)
      } else this.#foundFutures.set(name, { directory, name: found.name })
    }
    return unknown
  }

  /** The log was not found where it ought to be, and can't be in a directory that is offline. */
  #hasLeft({ directoryId }: KnownPartition): boolean {
    return directoryId === undefined ? this.offlineCount === 0 : this.onlineIds.includes(directoryId)
  }

  /** Where the partition's log is, or was found; undefined where it is nowhere. */
  directoryOf(topic: string, partition: number): LogDirectory | undefined {
    const open = this.online.find((directory) => directory.get(topic, partition) !== undefined)
    if (open !== undefined) return open
    const found = this.#found.get(`${topic}-${partition}`)
    return found?.failure === undefined ? found : undefined
  }

  /** Whether the log was found in that directory, and has not been opened since. */
  wasFoundIn(directory: LogDirectory, topic: string, partition: number): boolean {
    return this.#found.get(`${topic}-${partition}`) === directory
  }

  /**
   * The log of a partition: the one that was found, or a new one where AlterReplicaLogDirs wants it, where the metadata
   * has it, or where there are the fewest. Undefined where its log is, or may be, in a directory that is offline.
   * Throws KafkaError KAFKA_STORAGE_ERROR, and what opening throws. Nobody else may open or delete it meanwhile.
   */
  *opening(
    identity: TopicPartitionId,
    config: LogConfig,
    { directoryId, isNew }: PlaceOptions,
  ): Steps<PlacedLog | undefined> {
    const { topic, partition } = identity
    const name = `${topic}-${partition}`
    const there = this.directoryOf(topic, partition)
    if (there !== undefined) {
      try {
        const log = yield* this.#openIn(there, identity, config)
        this.#found.delete(name)
        return { log, directory: there }
      } catch (error) {
        this.#found.delete(name)
        throw error
      }
    }
    const candidates = this.#takingLogs()
    const assigned = candidates.find(({ id }) => id === directoryId)
    if (directoryId !== undefined && assigned === undefined) return undefined
    if (directoryId === undefined && !isNew && this.offlineCount > 0) return undefined
    const preferred = this.#preferences.get(name)
    this.#preferences.delete(name)
    const wanted = preferred?.failure === undefined ? (preferred ?? assigned) : assigned
    let lastError: unknown
    for (const directory of wanted === undefined ? this.#byLoad(candidates) : [wanted]) {
      try {
        for (const other of candidates) if (other !== directory) other.setAsideStray(topic, partition)
        return { log: yield* this.#openIn(directory, identity, config), directory }
      } catch (error) {
        lastError = error
      }
    }
    throw lastError ?? new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'No log directories available.')
  }

  *#openIn(directory: LogDirectory, identity: TopicPartitionId, config: LogConfig): Steps<PartitionLog> {
    try {
      return yield* directory.opening(identity, config)
    } catch (error) {
      throw this.#checked(directory, error)
    }
  }

  /** As `delete`, for partitions that were found and have not been opened, with the copies of them. */
  deleteFound(partitions: readonly { readonly topic: string; readonly partition: number }[]): void {
    for (const { topic, partition } of partitions) {
      const name = `${topic}-${partition}`
      const future = this.#foundFutures.get(name)
      if (future === undefined) continue
      this.#foundFutures.delete(name)
      this.#guard(future.directory, () => future.directory.discardFuture(future.name, topic, partition))
    }
    for (const directory of this.online) {
      const here = partitions.filter(
        ({ topic, partition }) => this.#found.get(`${topic}-${partition}`) === directory,
      )
      for (const { topic, partition } of here) this.#found.delete(`${topic}-${partition}`)
      this.#guard(directory, () => directory.deleteFound(here))
    }
  }

  /**
   * Renames the directories of logs and of copies, and removes them after `file.delete.delay.ms`. What a directory
   * throws is thrown when the others have been asked.
   */
  delete(logs: readonly PartitionLog[]): void {
    const errors: unknown[] = []
    for (const directory of this.online) {
      try {
        this.#guard(directory, () => directory.delete(logs))
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }

  /** One of `log.dirs` by its absolute path; 'unknown' for any other, 'offline' where it can't be used. */
  byPath(path: string): LogDirectory | 'unknown' | 'offline' {
    const place = this.#places.find((each) => each.path === path && each.takesLogs)
    if (place === undefined) return 'unknown'
    return place.directory === undefined || place.directory.failure !== undefined
      ? 'offline'
      : place.directory
  }

  /** The partition goes there when this broker gets it. */
  prefer(topic: string, partition: number, directory: LogDirectory): void {
    const name = `${topic}-${partition}`
    this.#preferences.delete(name)
    this.#preferences.set(name, directory)
    if (this.#preferences.size <= MAX_PREFERENCES) return
    const [oldest] = this.#preferences.keys()
    if (oldest !== undefined) this.#preferences.delete(oldest)
  }

  /** A copy of a partition's log in another directory, empty yet. One that was left by a move that failed goes. */
  createFuture(directory: LogDirectory, identity: TopicPartitionId, config: LogConfig): PartitionLog {
    const { topic, partition } = identity
    const name = `${topic}-${partition}`
    for (const other of this.online) {
      const left = other.getFuture(topic, partition)
      if (left !== undefined) this.delete([left])
    }
    const found = this.#foundFutures.get(name)
    if (found !== undefined)
      this.#guard(found.directory, () => found.directory.discardFuture(found.name, topic, partition))
    this.#foundFutures.delete(name)
    return this.#guard(directory, () => directory.openOrCreateFuture(identity, config))
  }

  /** The copy that was being made when the broker stopped; undefined where there was none. */
  resumeFuture(
    identity: TopicPartitionId,
    config: LogConfig,
  ): { readonly log: PartitionLog; readonly directory: LogDirectory } | undefined {
    const name = `${identity.topic}-${identity.partition}`
    const found = this.#foundFutures.get(name)
    if (found === undefined) return undefined
    const { directory } = found
    const log = this.#guard(directory, () => directory.openOrCreateFuture(identity, config, found.name))
    this.#foundFutures.delete(name)
    return { log, directory }
  }

  /**
   * The copy takes the place of the log. A kill between the two steps leaves the copy alone, which the next start takes
   * for the log; never both. Below `cleanOffset` the copy is compacted.
   */
  replace(
    current: PartitionLog,
    future: PartitionLog,
    directory: LogDirectory,
    identity: TopicPartitionId,
    cleanOffset: number,
  ): PartitionLog {
    this.delete([current])
    return this.#guard(directory, () => {
      if (cleanOffset > 0) directory.cleanerCheckpoint.set(current.topicPartition, cleanOffset)
      return directory.promoteFuture(future, identity, current.config)
    })
  }

  describe(): DescribedDirectory[] {
    return this.#places.flatMap(({ path, directory, takesLogs }): DescribedDirectory[] => {
      if (!takesLogs) return []
      if (directory === undefined || directory.failure !== undefined) return [{ path }]
      try {
        const space = this.#guard(directory, () => directory.space())
        return [{ path, directory, space, isCordoned: this.isCordoned(path) }]
      } catch (error) {
        this.#options.logger.error('a log directory tells nothing of its space', {
          directory: path,
          err: error,
        })
        return [{ path }]
      }
    })
  }

  startMaintenance(intervals: MaintenanceIntervals): void {
    for (const directory of this.online) directory.startMaintenance(intervals)
  }

  /** As LogDirectory.close, for each. */
  async close(): Promise<void> {
    await Promise.all(this.#places.map(({ directory }) => directory?.close()))
  }

  #takingLogs(): LogDirectory[] {
    return this.#places.flatMap(({ directory, takesLogs }) =>
      takesLogs && directory !== undefined && directory.failure === undefined ? [directory] : [],
    )
  }

  #byLoad(directories: readonly LogDirectory[]): LogDirectory[] {
    const open = directories.filter(({ path }) => !this.isCordoned(path))
    // Kafka places what was assigned by hand, where nothing else is left.
    return (open.length > 0 ? open : [...directories]).sort((a, b) => this.#load(a) - this.#load(b))
  }

  /** Logs that are open, and those that will be. */
  #load(directory: LogDirectory): number {
    let found = 0
    for (const each of this.#found.values()) if (each === directory) found++
    return directory.logCount + found
  }

  #guard<T>(directory: LogDirectory, action: () => T): T {
    try {
      return action()
    } catch (error) {
      throw this.#checked(directory, error)
    }
  }

  #checked(directory: LogDirectory, error: unknown): unknown {
    if (error instanceof Error && isDeviceFailure(error)) directory.fail(error)
    return error
  }

  #failed(directory: LogDirectory, error: Error): void {
    this.#options.onFailure?.(directory, error)
    directory.abandon()
  }
}

/**
 * Notes a partition's place. Where it has one already, the place is returned that is none: of two the one without a
 * topic id, which was just being made or belonged to an older topic, or else one without records.
 */
function lesser(places: Map<string, FoundPlace>, second: FoundPlace): FoundPlace | undefined {
  const { name } = second.found
  const first = places.get(name)
  if (first === undefined) {
    places.set(name, second)
    return undefined
  }
  const both = [second, first]
  const withoutId = both.filter(({ found }) => found.topicId === undefined)
  const stray =
    withoutId.length === 1 ? withoutId[0] : both.find(({ directory }) => directory.isUntouched(name))
  if (stray === undefined)
    throw new LogDirectoryError(
      `Duplicate log directories for ${name} are found in both ${first.directory.path}/${name} and ${second.directory.path}/${name}. Delete one of the two: as a rule the one in the directory that has failed last.`,
    )
  if (stray === first) places.set(name, second)
  return stray
}
