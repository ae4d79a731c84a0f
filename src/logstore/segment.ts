import {
  batchLastOffset,
  batchMaxTimestamp,
  batchSizeInBytes,
  NO_TIMESTAMP,
  type RecordBatch,
} from '../wire/batch.ts'
import { RecordCursor } from '../wire/record-reader.ts'
import { BatchScanner } from './batch-scanner.ts'
import { CheckedRanges } from './checked-ranges.ts'
import {
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetFileName,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './file-names.ts'
import type { File, FileSystem } from './file-system.ts'
import { CorruptLogError, FailedSyncError, hasCode } from './log-errors.ts'
import { OffsetIndex, type OffsetPosition } from './offset-index.ts'
import type { IdleCloseable, OpenFiles } from './open-files.ts'
import { TimeIndex, type TimestampOffset } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'

/** What a segment needs of its surroundings. */
export interface SegmentContext {
  readonly fs: FileSystem
  readonly directory: string
  readonly openFiles: OpenFiles
}

/** The largest difference that an index entry can hold. */
export const MAX_RELATIVE_OFFSET = 2 ** 31 - 1

/** Kafka's default of `index.interval.bytes`, for an index that is built anew on the way. */
const REBUILD_INTERVAL_BYTES = 4096

/** Records that decompress to more than this are taken for corrupt. */
export const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024

/**
 * One `.log` with its indexes: the batches from `baseOffset` up to where the next segment begins (Kafka's
 * `LogSegment`).
 *
 * After `append` returns, the bytes are in the page cache and survive a kill; after `sync` they survive a crash, the
 * indexes with them. What lies in the file above `size` is not part of the segment. Files are opened when used and
 * closed when others need the place, unless someone reads at that moment.
 */
export class LogSegment implements IdleCloseable {
  readonly baseOffset: number
  readonly createdMs: number
  readonly offsetIndex: OffsetIndex
  readonly timeIndex: TimeIndex
  readonly transactionIndex: TransactionIndex
  /** What appends and reads have looked at since it was opened. */
  readonly checked = new CheckedRanges()
  /** Bytes of the log that are part of it. */
  size: number
  readonly #context: SegmentContext
  #path: string
  #file: File | undefined
  #readers = 0
  #deleted = false
  /** Counts what was done to the file, and how much of that a sync has covered. */
  #changes = 0
  #syncedChanges = 0
  #indexesChecked = false
  /** Whatever the files say, the indexes are what the log gives. */
  #areRebuilt = false
  #bytesSinceIndexEntry = 0
  #maxTimestamp: TimestampOffset | undefined
  #firstTimestamp: number | undefined

  /** `state` is what its files' names end with: nothing, unless a compaction writes it. */
  constructor(context: SegmentContext, baseOffset: number, size: number, createdMs: number, state = '') {
    const name = (suffix: string) => `${context.directory}/${offsetFileName(baseOffset, suffix)}${state}`
    this.#context = context
    this.#path = name(LOG_SUFFIX)
    this.baseOffset = baseOffset
    this.size = size
    this.createdMs = createdMs
    this.offsetIndex = new OffsetIndex(context.fs, name(OFFSET_INDEX_SUFFIX), baseOffset)
    this.timeIndex = new TimeIndex(context.fs, name(TIME_INDEX_SUFFIX), baseOffset)
    this.transactionIndex = new TransactionIndex(context.fs, name(TRANSACTION_INDEX_SUFFIX))
  }

  /** An empty segment; files of that name are emptied. */
  static create(context: SegmentContext, baseOffset: number, nowMs: number, state = ''): LogSegment {
    const segment = new LogSegment(context, baseOffset, 0, nowMs, state)
    segment.#file = context.fs.open(segment.#path, 'create')
    segment.markUnsynced()
    segment.resetIndexes()
    context.openFiles.touch(segment)
    return segment
  }

  get path(): string {
    return this.#path
  }

  /** When the file was last written to, by the file system's clock. */
  get modifiedMs(): number {
    return this.#context.fs.stat(this.#path).modifiedMs
  }

  /**
   * Writes whole batches at the end and indexes them. When the write fails nothing changes, though the file may then
   * be longer than `size`.
   */
  append(records: Buffer, indexIntervalBytes: number): void {
    // Whatever can fail comes before the write.
    this.#loadIndexes()
    this.file().write([records], this.size)
    this.markUnsynced()
    this.checked.add(this.size, this.size + records.length)
    let at = 0
    while (at < records.length) {
      const size = batchSizeInBytes(records, at)
      this.index(
        batchLastOffset(records, at),
        batchMaxTimestamp(records, at),
        this.size,
        size,
        indexIntervalBytes,
      )
      if (this.size === 0) this.#firstTimestamp = batchMaxTimestamp(records, at)
      this.size += size
      at += size
    }
  }

  /** Takes one batch into the indexes; `position` is where it begins. */
  index(
    lastOffset: number,
    maxTimestamp: number,
    position: number,
    sizeInBytes: number,
    indexIntervalBytes: number,
  ): void {
    if (maxTimestamp > this.maxTimestamp.timestamp)
      this.#maxTimestamp = { timestamp: maxTimestamp, offset: lastOffset }
    if (this.#bytesSinceIndexEntry > indexIntervalBytes) {
      this.offsetIndex.append(lastOffset, position)
      this.timeIndex.maybeAppend(this.maxTimestamp.timestamp, this.maxTimestamp.offset)
      this.#bytesSinceIndexEntry = 0
    }
    this.#bytesSinceIndexEntry += sizeInBytes
  }

  /** The largest timestamp of a batch, and the last offset of that batch; -1 where there is none. */
  get maxTimestamp(): TimestampOffset {
    if (this.#maxTimestamp === undefined) {
      this.#checkIndexes()
      this.#maxTimestamp = this.timeIndex.lastEntry
    }
    return this.#maxTimestamp
  }

  /** What time retention goes by: the largest timestamp, or where no record has one, when the file was last changed. */
  largestTimestampMs(): number {
    const { timestamp } = this.maxTimestamp
    return timestamp >= 0 ? timestamp : this.#context.fs.stat(this.#path).modifiedMs
  }

  /** The largest timestamp of the first batch, which Kafka rolls by; undefined where there is no batch, or it has none. */
  firstTimestamp(): number | undefined {
    if (this.size === 0) return undefined
    this.#firstTimestamp ??= this.scan(0).next()?.maxTimestamp
    return this.#firstTimestamp !== undefined && this.#firstTimestamp >= 0 ? this.#firstTimestamp : undefined
  }

  indexesFull(maxIndexBytes: number): boolean {
    return this.offsetIndex.isFull(maxIndexBytes) || this.timeIndex.isFull(maxIndexBytes)
  }

  scan(from: number, chunkBytes?: number): BatchScanner {
    return new BatchScanner(this.file(), from, this.size, chunkBytes)
  }

  /** Where a batch begins at or before the one that holds `offset`. */
  positionBefore(offset: number): number {
    this.#checkIndexes()
    return this.offsetIndex.lookup(offset)
  }

  /** The last batch that the index tells of up to `position`; undefined for none, and while the index is not in memory. */
  lastIndexed(position: number): OffsetPosition | undefined {
    return this.#indexesChecked && this.offsetIndex.file.isInMemory
      ? this.offsetIndex.lastUpTo(position)
      : undefined
  }

  /** The batch that holds `offset`, or the first one after it; undefined where there is none. Valid until the next call. */
  find(offset: number): { batch: RecordBatch; position: number } | undefined {
    const scanner = this.scan(this.positionBefore(offset))
    for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
      if (batch.lastOffset >= offset) return { batch, position: scanner.position }
    }
    this.failOnFault(scanner)
    return undefined
  }

  /** One past the last offset in the segment. */
  nextOffset(): number {
    if (this.size === 0) return this.baseOffset
    this.#checkIndexes()
    const scanner = this.scan(this.offsetIndex.lastEntry.position)
    let next = this.baseOffset
    for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) next = batch.nextOffset
    if (scanner.fault !== undefined && this.offsetIndex.count > 0 && this.rebuildMisleading())
      return this.nextOffset()
    this.failOnFault(scanner)
    return next
  }

  /** The first record at `fromOffset` or above whose timestamp is at least `timestamp`. */
  findTimestamp(timestamp: number, fromOffset: number): FoundTimestamp | undefined {
    this.#checkIndexes()
    const from = Math.max(this.timeIndex.lookup(timestamp - 1).offset, fromOffset)
    const scanner = this.scan(this.offsetIndex.lookup(from))
    for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
      if (batch.maxTimestamp < timestamp || batch.lastOffset < fromOffset) continue
      const cursor = new RecordCursor(batch, MAX_DECOMPRESSED_BYTES)
      while (cursor.advance()) {
        if (cursor.timestamp >= timestamp && cursor.offset >= fromOffset)
          return {
            timestamp: cursor.timestamp,
            offset: cursor.offset,
            leaderEpoch: batch.partitionLeaderEpoch,
          }
      }
    }
    this.failOnFault(scanner)
    return undefined
  }

  /**
   * Removes the batch that holds `offset` and all after it. Returns the bytes removed. When the file can't be cut,
   * nothing changes.
   */
  truncateTo(offset: number): number {
    const found = this.find(offset)
    if (found === undefined) return 0
    const removed = this.size - found.position
    this.cut(found.position)
    this.offsetIndex.truncateTo(offset)
    this.timeIndex.truncateTo(offset)
    this.transactionIndex.truncateTo(offset)
    this.#bytesSinceIndexEntry = 0
    const before = this.#maxTimestamp
    if (before !== undefined && before.offset >= offset) this.#recomputeMaxTimestamp()
    return removed
  }

  /** The device may not have all of it, whoever wrote it. */
  markUnsynced(): void {
    this.#changes++
  }

  /** Ends the log at `size`, indexes untouched. */
  cut(size: number): void {
    this.file().truncate(size)
    this.size = size
    this.checked.cut(size)
    this.markUnsynced()
    if (size === 0) this.#firstTimestamp = undefined
  }

  /** Cuts off what a failed write may have left above `size`: nothing where not even the file could be opened. */
  cutStrayBytes(): void {
    this.#file?.truncate(this.size)
  }

  /** The entries of the time index reach to the last entry of the offset index at most: look at what follows too. */
  #recomputeMaxTimestamp(): void {
    this.#maxTimestamp = this.timeIndex.lastEntry
    const scanner = this.scan(this.offsetIndex.lookup(this.#maxTimestamp.offset))
    for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
      if (batch.maxTimestamp > this.#maxTimestamp.timestamp)
        this.#maxTimestamp = { timestamp: batch.maxTimestamp, offset: batch.lastOffset }
    }
    this.failOnFault(scanner)
  }

  /**
   * Drops what the indexes hold of `offset` and above, where the log may have been torn, for it to be indexed anew from
   * the batch of the last entry that is left, which is returned. Undefined where what is left does not fit the log.
   */
  keepIndexesBelow(offset: number): OffsetPosition | undefined {
    const { offsetIndex, timeIndex, transactionIndex } = this
    offsetIndex.truncateTo(offset)
    timeIndex.truncateTo(offset)
    const fault = offsetIndex.fault(this.size) ?? timeIndex.fault() ?? transactionIndex.fault(this.baseOffset)
    if (fault !== undefined) return undefined
    const last = offsetIndex.lastEntry
    const batch = this.scan(last.position).next()
    if (batch === undefined || last.offset >= offset) return undefined
    if (offsetIndex.count > 0 && batch.lastOffset !== last.offset) return undefined
    this.#indexesChecked = true
    this.#bytesSinceIndexEntry = 0
    this.#maxTimestamp = timeIndex.lastEntry
    return { offset: batch.baseOffset, position: last.position }
  }

  /** Drops what the indexes hold, to fill them anew. */
  resetIndexes(): void {
    this.#resetLookups()
    this.transactionIndex.file.rewind(0)
  }

  #resetLookups(): void {
    this.offsetIndex.file.reset()
    this.timeIndex.file.reset()
    this.#indexesChecked = true
    this.#bytesSinceIndexEntry = 0
    this.#maxTimestamp = { timestamp: NO_TIMESTAMP, offset: this.baseOffset }
  }

  /**
   * Fills the indexes by offset and by time anew from the log, up to the first place that holds no batch of it. What the
   * transaction index holds, the log of one segment alone does not tell.
   */
  rebuildIndexes(indexIntervalBytes: number): void {
    this.#resetLookups()
    this.#areRebuilt = true
    const scanner = this.scan(0)
    for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
      const { lastOffset } = batch
      if (lastOffset < this.baseOffset || lastOffset - this.baseOffset > MAX_RELATIVE_OFFSET) break
      this.index(lastOffset, batch.maxTimestamp, scanner.position, batch.sizeInBytes, indexIntervalBytes)
    }
    this.seal()
  }

  /** An index has led to a place where no batch begins: builds it anew, unless it was, so that it is the log's fault. */
  rebuildMisleading(): boolean {
    if (this.#areRebuilt) return false
    this.rebuildIndexes(REBUILD_INTERVAL_BYTES)
    return true
  }

  /** An index that does not fit the log, from a stop that nobody saw, is built anew before it misleads anyone. */
  #checkIndexes(): void {
    if (this.#indexesChecked) return
    this.#indexesChecked = true
    if (this.offsetIndex.fault(this.size) === undefined && this.timeIndex.fault() === undefined) return
    this.rebuildIndexes(REBUILD_INTERVAL_BYTES)
  }

  /** The segment takes no more appends: its maximum timestamp becomes the last entry of the time index. */
  seal(): void {
    const { timestamp, offset } = this.maxTimestamp
    if (this.size > 0) this.timeIndex.maybeAppend(timestamp, offset)
    this.writeIndexes()
  }

  /** An empty log has no index files until it has batches; nobody misses them. */
  writeIndexes(): void {
    if (this.size === 0) return
    this.offsetIndex.file.write()
    this.timeIndex.file.write()
    this.transactionIndex.file.write()
  }

  /** Makes the log durable. What is appended meanwhile may or may not be. */
  async syncAsync(): Promise<void> {
    const changes = this.#changes
    // Of what is deleted, nobody needs anything after a crash.
    if (this.#deleted || this.#syncedChanges >= changes) return
    const file = this.acquire()
    try {
      await file.syncAsync()
    } finally {
      this.release()
    }
    this.#synced(changes)
  }

  /** An index was made since the last time that was asked: somebody has to sync the directory. */
  takeNewNames(): boolean {
    let isNew = false
    for (const index of this.#indexFiles()) if (index.takeNewName()) isNew = true
    return isNew
  }

  /** Writes the indexes and makes them durable, but for their names. */
  async syncIndexesAsync(): Promise<void> {
    if (this.#deleted || this.size === 0) return
    for (const index of this.#indexFiles()) {
      const file = index.writeForSync()
      try {
        await file?.syncAsync()
      } catch (cause) {
        throw new FailedSyncError(`could not sync ${index.path}`, { cause })
      } finally {
        file?.close()
      }
    }
  }

  /** As `syncAsync`, waiting for the device. */
  sync(): void {
    const changes = this.#changes
    if (this.#syncedChanges >= changes) return
    this.file().sync()
    this.#synced(changes)
  }

  #synced(changes: number): void {
    if (changes > this.#syncedChanges) this.#syncedChanges = changes
  }

  /** As `syncIndexesAsync`, waiting for the device. */
  syncIndexes(): void {
    if (this.size === 0) return
    for (const index of this.#indexFiles()) {
      const file = index.writeForSync()
      try {
        file?.sync()
      } catch (cause) {
        throw new FailedSyncError(`could not sync ${index.path}`, { cause })
      } finally {
        file?.close()
      }
    }
  }

  /** The open `.log`, to be used in this turn. */
  file(): File {
    if (this.#file === undefined) {
      try {
        this.#file = this.#context.fs.open(this.#path, this.#deleted ? 'read' : 'write')
      } catch (error) {
        if (hasCode(error, 'ENOENT')) throw new CorruptLogError(`${this.#path} is gone`, { cause: error })
        throw error
      }
    }
    if (!this.#deleted) this.#context.openFiles.touch(this)
    return this.#file
  }

  /** The open `.log`, kept open until `release` whatever happens to the segment. */
  acquire(): File {
    const file = this.file()
    this.#readers++
    return file
  }

  release(): void {
    this.#readers--
    if (this.#readers === 0 && this.#deleted) this.#closeFile()
  }

  closeIdle(): void {
    if (this.#readers === 0) this.#closeFile()
    this.releaseIdle()
  }

  releaseIdle(): void {
    try {
      for (const index of this.#indexFiles()) if (this.size > 0) index.releaseIfLarge()
    } catch {
      // What could not be written stays in memory, and the next flush or close meets the same error and tells it.
    }
  }

  close(): void {
    this.#context.openFiles.forget(this)
    this.#closeFile()
  }

  /** Gives the files the names that mark them for removal. Who reads goes on. */
  markDeleted(): void {
    this.#deleted = true
    this.#context.openFiles.forget(this)
    const rename = (path: string): string => {
      if (this.#context.fs.exists(path)) this.#context.fs.rename(path, path + DELETED_SUFFIX)
      return path + DELETED_SUFFIX
    }
    this.#path = rename(this.#path)
    for (const index of this.#indexFiles()) {
      index.path = rename(index.path)
      index.discard()
    }
    if (this.#readers === 0) this.#closeFile()
  }

  /** Removes the files, which `markDeleted` has renamed. */
  removeFiles(): void {
    const { fs } = this.#context
    for (const path of [...this.#indexFiles().map((index) => index.path), this.#path]) {
      if (fs.exists(path)) fs.removeFile(path)
    }
  }

  async removeFilesAsync(): Promise<void> {
    const { fs } = this.#context
    for (const path of [...this.#indexFiles().map((index) => index.path), this.#path]) {
      if (fs.exists(path)) await fs.removeFileAsync(path)
    }
  }

  failOnFault(scanner: BatchScanner): void {
    if (scanner.fault !== undefined)
      throw new CorruptLogError(`${this.#path}: no whole batch at ${scanner.position} (${scanner.fault})`)
  }

  /** Into memory, so that using them can't fail. */
  #loadIndexes(): void {
    if (this.#maxTimestamp === undefined) this.#maxTimestamp = this.maxTimestamp
    this.offsetIndex.file.load()
    this.timeIndex.file.load()
    this.transactionIndex.file.load()
  }

  #indexFiles() {
    return [this.offsetIndex.file, this.timeIndex.file, this.transactionIndex.file]
  }

  #closeFile(): void {
    this.#file?.close()
    this.#file = undefined
  }
}

/** A record by its timestamp. */
export interface FoundTimestamp {
  readonly timestamp: number
  readonly offset: number
  readonly leaderEpoch: number
}
