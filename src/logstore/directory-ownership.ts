import { dirname, normalize } from 'node:path'
import { invariant } from '../base/invariant.ts'
import { type Random, randomUuid } from '../base/random.ts'
import { readSmallFile, replaceSmallFile } from './checkpoints.ts'
import {
  CLEAN_SHUTDOWN_FILE,
  LOCK_FILE,
  type MetaProperties,
  readMetaProperties,
  writeMetaProperties,
} from './directory-files.ts'
import type { FileLock, FileSystem } from './file-system.ts'
import { hasCode, LogDirectoryError, UnusableDirectoryError } from './log-errors.ts'

/**
 * Whose a log directory is: the lock that keeps other processes out, the cluster and node of `meta.properties`, and the
 * marker of a clean stop, which says that nobody has written since.
 */
export class DirectoryOwnership {
  readonly hadCleanShutdown: boolean
  readonly #fs: FileSystem
  readonly #path: string
  readonly #lock: FileLock
  #meta: Partial<MetaProperties> | undefined

  /** Makes the directory where it is missing, and takes its lock. Throws LogDirectoryError, for the operator. */
  static take(fs: FileSystem, path: string): DirectoryOwnership {
    const lock = usable(path, () => {
      makeDurableDirectory(fs, path)
      return fs.lock(`${path}/${LOCK_FILE}`)
    })
    if (lock === undefined)
      throw new LogDirectoryError(`${path}: in use by another process, which holds the lock on ${LOCK_FILE}`)
    try {
      return new DirectoryOwnership(fs, path, lock)
    } catch (error) {
      lock.release()
      throw error
    }
  }

  private constructor(fs: FileSystem, path: string, lock: FileLock) {
    this.#fs = fs
    this.#path = path
    this.#lock = lock
    const read = usable(path, () => ({
      meta: readMetaProperties(fs, path),
      hadCleanShutdown: readSmallFile(fs, `${path}/${CLEAN_SHUTDOWN_FILE}`) !== undefined,
    }))
    this.#meta = read.meta
    this.hadCleanShutdown = read.hadCleanShutdown
  }

  /** What `meta.properties` says; undefined in a directory that nobody has claimed. */
  get metaProperties(): Partial<MetaProperties> | undefined {
    return this.#meta
  }

  /** The id in `meta.properties`. Only of a directory that was claimed. */
  get id(): string {
    const id = this.#meta?.directoryId
    invariant(id !== undefined, `${this.#path} is claimed before its id is asked for`)
    return id
  }

  /** Makes it this node's directory, or checks that it is. Throws LogDirectoryError where it is another's. */
  claim(clusterId: string, nodeId: number, random: Random): MetaProperties {
    const path = this.#path
    const found = this.#meta
    if (found?.clusterId !== undefined && found.clusterId !== clusterId)
      throw new LogDirectoryError(
        `${path}: belongs to cluster ${found.clusterId}, not to ${clusterId}; where meta.properties in it is damaged, restore that`,
      )
    if (found?.nodeId !== undefined && found.nodeId !== nodeId)
      throw new LogDirectoryError(
        `${path}: belongs to node ${found.nodeId}, not to ${nodeId}; where meta.properties in it is damaged, restore that`,
      )
    const meta = { clusterId, nodeId, directoryId: found?.directoryId ?? randomUuid(random) }
    if (found?.clusterId === undefined || found.nodeId === undefined || found.directoryId === undefined)
      usable(path, () => writeMetaProperties(this.#fs, path, meta))
    this.#meta = meta
    return meta
  }

  /** From here on a crash does not look like a clean stop. */
  removeMarker(): void {
    if (!this.hadCleanShutdown) return
    usable(this.#path, () => {
      this.#fs.removeFile(`${this.#path}/${CLEAN_SHUTDOWN_FILE}`)
      this.#fs.syncDirectory(this.#path)
    })
  }

  /** All that was written is on the device, and nothing more will be. */
  markClean(): void {
    const marker = Buffer.from(JSON.stringify({ version: 0, brokerEpoch: -1 }))
    replaceSmallFile(this.#fs, this.#path, CLEAN_SHUTDOWN_FILE, marker)
  }

  /** Lets go of the lock. */
  release(): void {
    this.#lock.release()
  }
}

/** What the file system throws comes out as an UnusableDirectoryError, which says why in one line. */
export function usable<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    const why = hasCode(error, 'EROFS') || hasCode(error, 'EACCES') ? 'is not writable' : 'cannot be used'
    throw new UnusableDirectoryError(`${path}: ${why} (${error.message})`, { cause: error })
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
