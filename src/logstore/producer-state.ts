import type { Logger } from '../base/logger.ts'
import { readSmallFile } from './checkpoints.ts'
import { offsetFileName, PRODUCER_SNAPSHOT_SUFFIX, parseOffsetFileName } from './file-names.ts'
import type { FileSystem } from './file-system.ts'
import { FailedSyncError } from './log-errors.ts'
import { type AppendOrigin, type CompletedTransaction, ProducerAppend } from './producer-append.ts'
import { ProducerEntry } from './producer-entry.ts'
import { CorruptSnapshotError, decodeProducerSnapshot, encodeProducerSnapshot } from './producer-snapshot.ts'

/** A transaction in the log, by where it begins. */
interface Transaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Of its marker, once that is written. */
  readonly lastOffset?: number
}

/** Of all logs that have none, which is most of them. */
const NO_OFFSETS: readonly number[] = []

export interface ProducerStatesOptions {
  readonly fs: FileSystem
  readonly directory: string
  readonly topicPartition: string
  readonly logger: Logger
  /** After so long without a write, a producer without a transaction is forgotten (`producer.id.expiration.ms`). */
  readonly producerIdExpirationMs: number
}

/**
 * What one partition knows of its idempotent and transactional producers (Kafka's `ProducerStateManager`). Owns the
 * `.snapshot` files: each holds the state of all below the offset in its name.
 *
 * The state is what a replay of the log gives, from any snapshot on, but for two things: a snapshot keeps one batch
 * of each producer where memory keeps five, and forgets producers that have expired. Snapshots are synced by the flush
 * of the log that follows; a torn one is found by its CRC and replayed over.
 */
export class ProducerStates {
  readonly #options: ProducerStatesOptions
  readonly #entries = new Map<number, ProducerEntry>()
  /** Without a marker, by first offset, which is the order in which they were added. */
  readonly #ongoing = new Map<number, Transaction>()
  /** With a marker that the high watermark has not passed, in the order of the markers. */
  #unreplicated: Transaction[] = []
  /** Ascending. */
  #snapshots: number[] = []
  #unsyncedSnapshots: readonly number[] = NO_OFFSETS
  /** The state is that of all offsets below. */
  mapEndOffset = 0
  #lastSnapshotOffset = 0

  constructor(options: ProducerStatesOptions, snapshotOffsets: readonly number[]) {
    this.#options = options
    this.#snapshots = [...snapshotOffsets].sort((a, b) => a - b)
  }

  get entries(): ReadonlyMap<number, ProducerEntry> {
    return this.#entries
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0 && this.#unreplicated.length === 0
  }

  get snapshotOffsets(): readonly number[] {
    return this.#snapshots
  }

  /** Where the earliest transaction begins that has no marker below the high watermark; undefined where there is none. */
  get firstUnstableOffset(): number | undefined {
    if (this.#ongoing.size === 0 && this.#unreplicated.length === 0) return undefined
    const [ongoing] = this.#ongoing.values()
    let first = ongoing?.firstOffset
    for (const { firstOffset } of this.#unreplicated) {
      if (first === undefined || firstOffset < first) first = firstOffset
    }
    return first
  }

  /** What `append` is checked and collected with. */
  prepare(producerId: number, origin: AppendOrigin): ProducerAppend {
    const current = this.#entries.get(producerId) ?? new ProducerEntry(producerId)
    return new ProducerAppend(this.#options.topicPartition, current, origin)
  }

  /** The append was written. */
  update(append: ProducerAppend): void {
    const { producerId } = append.entry
    this.#entries.set(producerId, append.entry)
    for (const firstOffset of append.startedTransactions)
      this.#ongoing.set(firstOffset, { producerId, firstOffset })
  }

  /** What is decided once `completed` is: where the next transaction without a marker begins, or the offset after it. */
  lastStableOffsetAfter(completed: CompletedTransaction): number {
    for (const transaction of this.#ongoing.values()) {
      if (transaction.producerId !== completed.producerId) return transaction.firstOffset
    }
    return completed.lastOffset + 1
  }

  completeTransaction({ producerId, firstOffset, lastOffset }: CompletedTransaction): void {
    this.#ongoing.delete(firstOffset)
    this.#unreplicated.push({ producerId, firstOffset, lastOffset })
  }

  onHighWatermark(highWatermark: number): void {
    if (this.#unreplicated.length === 0) return
    this.#unreplicated = this.#unreplicated.filter(({ lastOffset = 0 }) => lastOffset >= highWatermark)
  }

  hasOngoingTransaction(producerId: number, producerEpoch: number): boolean {
    const entry = this.#entries.get(producerId)
    return entry?.currentTxnFirstOffset !== undefined && entry.producerEpoch === producerEpoch
  }

  /** See `ProducerEntry.markers`. */
  markersOf(producerId: number): number {
    return this.#entries.get(producerId)?.markers ?? 0
  }

  /** Returns how many were forgotten. */
  expire(nowMs: number): number {
    const before = this.#entries.size
    for (const [producerId, entry] of this.#entries) {
      if (this.#isExpired(entry, nowMs)) this.#entries.delete(producerId)
    }
    return before - this.#entries.size
  }

  /** Of the same records in another place. */
  takeStateOf(other: ProducerStates): void {
    this.clear(other.mapEndOffset)
    for (const [producerId, entry] of other.#entries) this.#entries.set(producerId, entry)
    for (const [firstOffset, transaction] of other.#ongoing) this.#ongoing.set(firstOffset, transaction)
    this.#unreplicated = [...other.#unreplicated]
  }

  /** Forgets everything in memory; snapshots stay. */
  clear(mapEndOffset: number): void {
    this.#entries.clear()
    this.#ongoing.clear()
    this.#unreplicated = []
    this.mapEndOffset = mapEndOffset
  }

  /**
   * Begins anew with the latest snapshot that lies within the log, or with nothing; what is to be replayed begins at
   * `mapEndOffset`. Snapshots outside the log are removed, corrupt ones too.
   */
  reload(logStartOffset: number, logEndOffset: number, nowMs: number): void {
    for (const offset of this.#snapshots.slice()) {
      if (offset > logEndOffset || offset <= logStartOffset) this.removeSnapshot(offset)
    }
    this.clear(logStartOffset)
    this.#lastSnapshotOffset = logStartOffset
    for (;;) {
      const offset = this.#snapshots.at(-1)
      if (offset === undefined) return
      const path = this.#snapshotPath(offset)
      try {
        const bytes = readSmallFile(this.#options.fs, path)
        if (bytes === undefined) throw new CorruptSnapshotError(`${path}: is gone`)
        for (const entry of decodeProducerSnapshot(path, bytes)) this.#load(entry, nowMs)
        this.mapEndOffset = offset
        this.#lastSnapshotOffset = offset
        return
      } catch (error) {
        if (!(error instanceof CorruptSnapshotError)) throw error
        this.#options.logger.warn('ignoring a corrupt producer snapshot', { path, err: error })
        this.removeSnapshot(offset)
      }
    }
  }

  /** Writes the state as of `mapEndOffset`, unless that is written already. Not synced. */
  takeSnapshot(): void {
    if (this.mapEndOffset <= this.#lastSnapshotOffset) return
    const path = this.#snapshotPath(this.mapEndOffset)
    const file = this.#options.fs.open(path, 'create')
    try {
      file.write([encodeProducerSnapshot([...this.#entries.values()])], 0)
    } catch (error) {
      // A part of it would only take room.
      this.#options.fs.removeFile(path)
      throw error
    } finally {
      file.close()
    }
    this.#unsyncedSnapshots = [...this.#unsyncedSnapshots, this.mapEndOffset]
    if (this.#snapshots.at(-1) !== this.mapEndOffset) this.#snapshots.push(this.mapEndOffset)
    this.#lastSnapshotOffset = this.mapEndOffset
  }

  /** Makes the snapshots taken durable, their names apart. */
  async syncSnapshots(): Promise<void> {
    for (const offset of this.#unsyncedSnapshots) {
      const path = this.#snapshotPath(offset)
      const file = this.#options.fs.open(path, 'write')
      try {
        await file.syncAsync()
      } catch (cause) {
        throw new FailedSyncError(`could not sync ${path}`, { cause })
      } finally {
        file.close()
      }
      this.#synced(offset)
    }
  }

  /** Keeps the snapshots that belong to a segment, and of the others only the latest, if it is the latest of all. */
  removeStraySnapshots(segmentBaseOffsets: ReadonlySet<number>): void {
    const latest = this.#snapshots.at(-1)
    for (const offset of this.#snapshots.slice()) {
      if (!segmentBaseOffsets.has(offset) && offset !== latest) this.removeSnapshot(offset)
    }
  }

  removeSnapshot(offset: number): void {
    const path = this.#snapshotPath(offset)
    if (this.#options.fs.exists(path)) this.#options.fs.removeFile(path)
    this.#snapshots = this.#snapshots.filter((other) => other !== offset)
    this.#synced(offset)
  }

  #synced(offset: number): void {
    const unsynced = this.#unsyncedSnapshots.filter((other) => other !== offset)
    this.#unsyncedSnapshots = unsynced.length === 0 ? NO_OFFSETS : unsynced
  }

  removeAllSnapshots(): void {
    for (const offset of this.#snapshots.slice()) this.removeSnapshot(offset)
    this.#lastSnapshotOffset = 0
  }

  #load(entry: ProducerEntry, nowMs: number): void {
    if (this.#isExpired(entry, nowMs)) return
    this.#entries.set(entry.producerId, entry)
    if (entry.currentTxnFirstOffset === undefined) return
    const { producerId, currentTxnFirstOffset: firstOffset } = entry
    this.#ongoing.set(firstOffset, { producerId, firstOffset })
    // The file has them by producer.
    const sorted = [...this.#ongoing.values()].sort((a, b) => a.firstOffset - b.firstOffset)
    this.#ongoing.clear()
    for (const transaction of sorted) this.#ongoing.set(transaction.firstOffset, transaction)
  }

  #isExpired(entry: ProducerEntry, nowMs: number): boolean {
    return (
      entry.currentTxnFirstOffset === undefined &&
      nowMs - entry.lastTimestamp >= this.#options.producerIdExpirationMs
    )
  }

  #snapshotPath(offset: number): string {
    return `${this.#options.directory}/${offsetFileName(offset, PRODUCER_SNAPSHOT_SUFFIX)}`
  }
}

/** The offsets of the snapshots among the names of a directory. */
export function snapshotOffsetsOf(names: readonly string[]): number[] {
  const offsets: number[] = []
  for (const name of names) {
    const file = parseOffsetFileName(name)
    if (file?.kind === PRODUCER_SNAPSHOT_SUFFIX && file.state === '') offsets.push(file.offset)
  }
  return offsets
}
