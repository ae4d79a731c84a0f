/**
 * The metadata on disk: commits in Kafka's record batches, and snapshots beside them, in a directory of their own.
 *
 * - `00000000000000000042.log`: the commits that made versions 43 and on. One record a commit, one batch a write.
 * - `00000000000000000042-0000000000.checkpoint`: version 42 as a whole, named as KRaft names its snapshots; its last
 *   record is a commit without changes, so that one cut short cannot pass for whole.
 *
 * `kafka-dump-log --print-data-log` reads both. After a crash every commit whose `sync` returned is there; of the
 * writes after the last sync a beginning may be.
 */
import type { Clock } from '../../base/clock.ts'
import { InvariantError, invariant } from '../../base/invariant.ts'
import type { File, FileSystem } from '../../logstore/file-system.ts'
import { BatchReader, batchBaseOffset, batchFaultAt, type RecordBatch } from '../../wire/batch.ts'
import { CorruptRecordError } from '../../wire/corrupt-record-error.ts'
import { RecordCursor } from '../../wire/record-reader.ts'
import { encodeBatch } from '../../wire/records.ts'
import { applyChanges, changesOf, type MetadataChange } from './changes.ts'
import { decodeCommit, encodeCommit, type MetadataCommit, MetadataStoreError } from './commit-codec.ts'
import { emptyImage, type MetadataImage } from './image.ts'

/** Not the name of a partition's directory, so no topic can ever want it. */
export const METADATA_DIRECTORY = 'sluice.metadata'

/** Changes in one record of a snapshot: about 100 KB. */
const SNAPSHOT_CHUNK_CHANGES = 500
const SEGMENT_NAME = /^(\d{20})\.log$/
const SNAPSHOT_NAME = /^(\d{20})-\d{10}\.checkpoint$/
const UNFINISHED_SUFFIX = '.part'

export interface MetadataLogOptions {
  readonly fs: FileSystem
  /** Made where it is missing; its parent has to be there. */
  readonly directory: string
  readonly clock: Clock
  /** The last process wrote all that it began: an end that is torn is damage. */
  readonly hadCleanShutdown?: boolean
}

export class MetadataLog {
  readonly #fs: FileSystem
  readonly #directory: string
  readonly #clock: Clock
  #file: File
  /** Where the next write goes; what lies behind is not part of the log. */
  #end: number
  #version: number
  #bytesSinceSnapshot: number
  #snapshotBytes: number

  private constructor(options: MetadataLogOptions, file: File, loaded: Loaded) {
    this.#fs = options.fs
    this.#directory = options.directory
    this.#clock = options.clock
    this.#file = file
    this.#end = loaded.lastSegmentEnd
    this.#version = loaded.image.version
    this.#bytesSinceSnapshot = loaded.bytesSinceSnapshot
    this.#snapshotBytes = loaded.snapshotBytes
  }

  /**
   * Reads what is there and makes it durable. A torn end is cut off; damage anywhere else, and a newer format, is a
   * MetadataStoreError and changes nothing.
   */
  static open(options: MetadataLogOptions): {
    readonly log: MetadataLog
    readonly image: MetadataImage
    readonly bytesCut: number
  } {
    const { fs, directory, hadCleanShutdown = false } = options
    fs.makeDirectory(directory)
    fs.syncDirectory(parentOf(directory))
    const loaded = load(fs, directory, hadCleanShutdown)
    const file = fs.open(`${directory}/${segmentName(loaded.lastSegmentBase)}`, 'write')
    let bytesCut: number
    try {
      bytesCut = file.size() - loaded.lastSegmentEnd
      if (bytesCut > 0) file.truncate(loaded.lastSegmentEnd)
      // What a killed process had written but not synced is about to be acted on.
      file.sync()
      for (const name of loaded.obsolete) fs.removeFile(`${directory}/${name}`)
      fs.syncDirectory(directory)
    } catch (error) {
      file.close()
      throw error
    }
    return { log: new MetadataLog(options, file, loaded), image: loaded.image, bytesCut }
  }

  /** Bytes that a start would have to read besides the snapshot. */
  get bytesSinceSnapshot(): number {
    return this.#bytesSinceSnapshot
  }

  /** Size of the newest snapshot, 0 without one. */
  get snapshotBytes(): number {
    return this.#snapshotBytes
  }

  /**
   * Writes the commits, which follow the last one without a gap, as one batch. Where that fails nothing of it is in
   * the log; unless it cannot be taken back either: UnusableLogError.
   */
  append(commits: readonly MetadataCommit[]): void {
    const first = commits[0]
    invariant(first !== undefined && first.version === this.#version + 1, 'commits follow each other')
    const batch = encodeBatch({
      baseOffset: this.#version,
      baseTimestamp: this.#clock.now(),
      partitionLeaderEpoch: 0,
      records: commits.map((commit) => ({ value: encodeCommit(commit) })),
    })
    try {
      this.#file.write([batch], this.#end)
    } catch (cause) {
      this.#takeBack(cause)
      throw cause
    }
    this.#end += batch.length
    this.#bytesSinceSnapshot += batch.length
    this.#version += commits.length
  }

  sync(): Promise<void> {
    return this.#file.syncAsync()
  }

  /** Later commits go to a new file, so that those before it can be removed once a snapshot stands for them. */
  roll(): void {
    const file = this.#fs.open(`${this.#directory}/${segmentName(this.#version)}`, 'create')
    try {
      this.#fs.syncDirectory(this.#directory)
    } catch (error) {
      file.close()
      throw error
    }
    this.#file.close()
    this.#file = file
    this.#end = 0
    this.#bytesSinceSnapshot = 0
  }

  /** Call after `roll` with the image of that moment. Appends may go on meanwhile. */
  async writeSnapshot(image: MetadataImage): Promise<void> {
    const name = snapshotName(image.version)
    const path = `${this.#directory}/${name}`
    const file = this.#fs.open(path + UNFINISHED_SUFFIX, 'create')
    let size = 0
    try {
      for (const batch of snapshotBatches(image, this.#clock.now())) {
        file.write([batch], size)
        size += batch.length
        // Not for durability yet, but so that a large image does not hold up everything else.
        await file.syncAsync()
      }
    } catch (error) {
      // The next one has another name, and a full disk no room for both.
      this.#fs.removeFile(path + UNFINISHED_SUFFIX)
      throw error
    } finally {
      file.close()
    }
    this.#fs.rename(path + UNFINISHED_SUFFIX, path)
    this.#fs.syncDirectory(this.#directory)
    this.#snapshotBytes = size
    for (const each of obsoleteFiles(this.#fs.readDirectory(this.#directory), image.version)) {
      this.#fs.removeFile(`${this.#directory}/${each}`)
    }
  }

  close(): void {
    this.#file.close()
  }

  /** After a write that failed, of which any part may be in the file: a refused commit must not come back one day. */
  #takeBack(cause: unknown): void {
    try {
      this.#file.truncate(this.#end)
      this.#file.sync()
    } catch (second) {
      const why = second instanceof Error ? second.message : String(second)
      throw new UnusableLogError(`${this.#file.path}: a failed write could not be taken back: ${why}`, {
        cause,
      })
    }
  }
}

/** The state of the file is unknown: nothing may be written to it until the next start has looked. */
export class UnusableLogError extends MetadataStoreError {
  override name = 'UnusableLogError'
}

interface Loaded {
  readonly image: MetadataImage
  readonly lastSegmentBase: number
  readonly lastSegmentEnd: number
  readonly bytesSinceSnapshot: number
  readonly snapshotBytes: number
  /** Names that a crash left behind or a snapshot stands for. */
  readonly obsolete: readonly string[]
}

function load(fs: FileSystem, directory: string, hadCleanShutdown: boolean): Loaded {
  const names = fs.readDirectory(directory)
  const segments = names.flatMap((name) => baseOf(SEGMENT_NAME, name)).sort((a, b) => a - b)
  const snapshots = names.flatMap((name) => baseOf(SNAPSHOT_NAME, name)).sort((a, b) => a - b)
  const snapshotVersion = snapshots.at(-1)
  let image = emptyImage
  let snapshotBytes = 0
  if (snapshotVersion !== undefined) {
    const path = `${directory}/${snapshotName(snapshotVersion)}`
    const bytes = readFile(fs, path)
    image = loadSnapshot(bytes, snapshotVersion, path)
    snapshotBytes = bytes.length
  }
  let lastSegmentEnd = 0
  let bytesSinceSnapshot = 0
  for (const base of segments) {
    if (base > image.version) throw missing(`${directory}/${segmentName(base)}`, image.version + 1)
    const path = `${directory}/${segmentName(base)}`
    const bytes = readFile(fs, path)
    const { end, commits } = readCommits(bytes, path)
    for (const commit of commits) {
      if (commit.version <= image.version) continue
      if (commit.version !== image.version + 1) throw missing(path, image.version + 1)
      image = applyFrom(path, image, commit.changes, commit.version)
    }
    if (end < bytes.length) {
      refuseDamageBefore(bytes, end, path)
      if (hadCleanShutdown) throw damaged(path, end, 'although the last stop was clean')
    }
    lastSegmentEnd = end
    bytesSinceSnapshot += base >= (snapshotVersion ?? 0) ? end : 0
  }
  return {
    image,
    lastSegmentBase: segments.at(-1) ?? image.version,
    lastSegmentEnd,
    bytesSinceSnapshot,
    snapshotBytes,
    obsolete: [
      ...names.filter((name) => name.endsWith(`.checkpoint${UNFINISHED_SUFFIX}`)),
      ...(snapshotVersion === undefined ? [] : obsoleteFiles(names, snapshotVersion)),
    ],
  }
}

/** Snapshots before that of `version`, and log files with nothing after it; never the last log file. */
function obsoleteFiles(names: readonly string[], version: number): string[] {
  const segments = names.flatMap((name) => baseOf(SEGMENT_NAME, name)).sort((a, b) => a - b)
  const covered = segments.filter((_, index) => (segments[index + 1] ?? Number.POSITIVE_INFINITY) <= version)
  const older = names.flatMap((name) => baseOf(SNAPSHOT_NAME, name)).filter((each) => each < version)
  return [...covered.map(segmentName), ...older.map(snapshotName)]
}

function loadSnapshot(bytes: Buffer, version: number, path: string): MetadataImage {
  const { end, commits } = readCommits(bytes, path)
  const last = commits.pop()
  if (end !== bytes.length || last === undefined || last.changes.length > 0) {
    throw new MetadataStoreError(
      `${path}: damaged at ${end} of ${bytes.length} bytes; restore it from a backup`,
    )
  }
  // In one go, not commit by commit: each would copy parts of the maps.
  const changes: MetadataChange[] = []
  for (const commit of commits) for (const change of commit.changes) changes.push(change)
  return applyFrom(path, emptyImage, changes, version)
}

function applyFrom(
  path: string,
  image: MetadataImage,
  changes: readonly MetadataChange[],
  version: number,
): MetadataImage {
  try {
    return applyChanges(image, changes, version)
  } catch (cause) {
    if (!(cause instanceof InvariantError)) throw cause
    throw new MetadataStoreError(`${path}: version ${version} does not fit: ${cause.message}`, { cause })
  }
}

function* snapshotBatches(image: MetadataImage, nowMs: number): Generator<Buffer, void, undefined> {
  let baseOffset = 0
  const batchOf = (changes: readonly MetadataChange[]): Buffer =>
    encodeBatch({
      baseOffset: baseOffset++,
      baseTimestamp: nowMs,
      partitionLeaderEpoch: 0,
      records: [{ value: encodeCommit({ version: image.version, changes }) }],
    })
  let changes: MetadataChange[] = []
  for (const change of changesOf(image)) {
    changes.push(change)
    if (changes.length === SNAPSHOT_CHUNK_CHANGES) {
      yield batchOf(changes)
      changes = []
    }
  }
  if (changes.length > 0) yield batchOf(changes)
  yield batchOf([])
}

/** The commits of the whole batches at the beginning, and where those end. */
function readCommits(bytes: Buffer, path: string): { end: number; commits: MetadataCommit[] } {
  const commits: MetadataCommit[] = []
  const reader = new BatchReader(bytes)
  let end = 0
  for (const batch of reader) {
    if (!batch.crcIsRight()) break
    readBatch(batch, path, commits)
    end = batch.end
  }
  return { end, commits }
}

function readBatch(batch: RecordBatch, path: string, commits: MetadataCommit[]): void {
  const where = `${path}: batch at ${batch.position}`
  try {
    const cursor = new RecordCursor(batch, batch.sizeInBytes)
    while (cursor.advance()) commits.push(decodeCommit(cursor.value ?? Buffer.alloc(0), where))
  } catch (cause) {
    if (!(cause instanceof CorruptRecordError)) throw cause
    throw new MetadataStoreError(`${where}: ${cause.message}`, { cause })
  }
}

/**
 * A write is one batch and the next comes after its sync, so nothing whole can follow a torn one. What does was
 * acknowledged once: to cut it off would lose topics without a word.
 */
function refuseDamageBefore(bytes: Buffer, damageAt: number, path: string): void {
  for (let at = damageAt + 1; at < bytes.length; at++) {
    if (batchFaultAt(bytes, at) !== undefined) continue
    if (new BatchReader(bytes, at).next()?.crcIsRight()) {
      throw damaged(path, damageAt, `before a whole commit ${batchBaseOffset(bytes, at) + 1} at ${at}`)
    }
  }
}

function damaged(path: string, at: number, how: string): MetadataStoreError {
  return new MetadataStoreError(
    `${path}: damaged at ${at}, ${how}; restore it from a backup, or cut it to ${at} bytes, which loses all commits from there on`,
  )
}

function missing(path: string, version: number): MetadataStoreError {
  return new MetadataStoreError(
    `${path}: the commit that made version ${version} is missing; restore the directory from a backup`,
  )
}

function readFile(fs: FileSystem, path: string): Buffer {
  const file = fs.open(path, 'read')
  try {
    const bytes = Buffer.allocUnsafe(file.size())
    return bytes.subarray(0, file.read(bytes, 0, bytes.length, 0))
  } finally {
    file.close()
  }
}

function baseOf(pattern: RegExp, name: string): number[] {
  const base = pattern.exec(name)?.[1]
  return base === undefined ? [] : [Number(base)]
}

function segmentName(base: number): string {
  return `${String(base).padStart(20, '0')}.log`
}

function snapshotName(version: number): string {
  return `${String(version).padStart(20, '0')}-0000000000.checkpoint`
}

function parentOf(directory: string): string {
  const slash = directory.lastIndexOf('/')
  return slash === -1 ? '.' : directory.slice(0, slash) || '/'
}
