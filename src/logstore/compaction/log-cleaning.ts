import { invariant } from '../../base/invariant.ts'
import type { RecordBatch } from '../../wire/batch.ts'
import { RecordCursor } from '../../wire/record-reader.ts'
import type { BatchScanner } from '../batch-scanner.ts'
import {
  CLEANED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetFileName,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from '../file-names.ts'
import type { FileSystem } from '../file-system.ts'
import { CorruptLogError } from '../log-errors.ts'
import { OpenFiles } from '../open-files.ts'
import { LogSegment, MAX_DECOMPRESSED_BYTES, type SegmentContext } from '../segment.ts'
import type { AbortedTransaction } from '../transaction-index.ts'
import { BatchFilter } from './batch-filter.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import { type CleaningPlan, groupSegments, type PlannedSegment } from './cleaning-plan.ts'
import { OffsetMap } from './offset-map.ts'

/** A segment that is whole on the device under `.cleaned` names, and those whose place it is to take. */
export interface CleanedSegment {
  readonly baseOffset: number
  readonly size: number
  /** Base offsets. */
  readonly replaced: readonly number[]
}

export interface CleaningResult {
  /** All below is clean now. */
  readonly endOffset: number
  readonly bytesMapped: number
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly recordsRead: number
  readonly recordsKept: number
  /** Of the offset map. */
  readonly mapBytes: number
  readonly mapKeys: number
}

/** What one step did. After `cleaned`, the segment is to be swapped in before the next step. */
export type CleaningStep = { readonly bytesRead: number; readonly bytesWritten: number } & (
  | { readonly state: 'working' }
  | { readonly state: 'cleaned'; readonly segment: CleanedSegment }
  | { readonly state: 'done'; readonly result: CleaningResult }
)

const SEGMENT_FILES = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX]
const SMALLEST_BUFFER = 4096

/** One segment being passed, from chunk to chunk. */
interface Source {
  readonly segment: LogSegment
  readonly scanner: BatchScanner
  /** Where its successor begins. */
  readonly endOffset: number
}

/**
 * One cleaning of one log (Kafka's `Cleaner`), some bytes a step: first the dirty segments are read for the last offset
 * of each key, then all segments up to there are copied without what is superseded, group by group.
 *
 * It reads the log's files and writes `.cleaned` ones beside them, nothing else, so that whoever owns the log may drop it
 * at any time: `abort` removes what was begun. Its memory is the map, as large as the keys make it up to its bound, the
 * buffers, and one decompressed batch.
 */
export class LogCleaning {
  readonly #fs: FileSystem
  readonly #plan: CleaningPlan
  readonly #context: SegmentContext
  readonly #map: OffsetMap
  readonly #bufferBytes: number
  readonly #output: Buffer
  #filled = 0
  #phase: 'map' | 'clean' | 'done' = 'map'
  /** To be mapped, or of the group at hand, from the one at hand on. */
  #pending: PlannedSegment[]
  #source: Source | undefined
  #mapTransactions: CleanedTransactions
  #groups: PlannedSegment[][] = []
  #filter: BatchFilter | undefined
  #transactions: CleanedTransactions | undefined
  #target: LogSegment | undefined
  #targetGroup: readonly PlannedSegment[] = []
  /** Given out to be swapped in. Its names are to be on the device before anything builds on them. */
  #givenOut: number | undefined
  #stepRead = 0
  #stepWritten = 0
  #bytesMapped = 0
  #bytesRead = 0
  #bytesWritten = 0

  constructor(fs: FileSystem, plan: CleaningPlan) {
    this.#fs = fs
    this.#plan = plan
    this.#context = { fs, directory: plan.directory, openFiles: new OpenFiles() }
    this.#map = new OffsetMap(plan.memory.mapBytes, plan.hashKey)
    this.#bufferBytes = Math.max(SMALLEST_BUFFER, Math.floor(plan.memory.ioBytes / 2))
    this.#output = Buffer.allocUnsafeSlow(this.#bufferBytes)
    const { firstDirtyOffset, firstUncleanableOffset } = plan
    this.#pending = plan.segments.filter((_, place) => this.#endOf(place) > firstDirtyOffset)
    this.#mapTransactions = new CleanedTransactions(
      plan.aborted.filter((aborted) => overlaps(aborted, firstDirtyOffset, firstUncleanableOffset)),
    )
  }

  /** Goes on until about `maxBytes` were read and written, a segment is cleaned, or all are. Throws what the disk does. */
  step(maxBytes: number): CleaningStep {
    this.#stepRead = 0
    this.#stepWritten = 0
    if (this.#givenOut !== undefined) {
      this.#fs.syncDirectory(this.#plan.directory)
      this.#givenOut = undefined
    }
    const more = () => this.#stepRead + this.#stepWritten < maxBytes
    while (this.#phase === 'map' && more()) this.#mapOn(more)
    while (this.#phase === 'clean' && more()) {
      const segment = this.#cleanOn(more)
      if (segment !== undefined) return { state: 'cleaned', segment, ...this.#stepBytes() }
    }
    if (this.#phase === 'done') return { state: 'done', result: this.#result(), ...this.#stepBytes() }
    return { state: 'working', ...this.#stepBytes() }
  }

  /** Closes what is open and removes what was begun. Only what could not be removed is thrown. */
  abort(): void {
    this.#closeSource()
    this.#target?.close()
    this.#phase = 'done'
    const begun = this.#target?.baseOffset ?? this.#givenOut
    if (begun !== undefined) this.#removeCleaned(begun)
  }

  #mapOn(more: () => boolean): void {
    const { firstDirtyOffset, memory } = this.#plan
    const next = this.#pending[0]
    if (next === undefined) {
      this.#beginCleaning()
      return
    }
    this.#source ??= this.#open(next, this.#positionOfDirty(next))
    const { scanner, segment, endOffset } = this.#source
    const maxKeys = Math.max(1, Math.floor(this.#map.slots * memory.mapLoadFactor))
    while (more()) {
      const batch = scanner.next()
      if (batch === undefined) {
        segment.failOnFault(scanner)
        // Where records are gone from the end of it, the map speaks for their offsets too.
        this.#map.updateLatestOffset(endOffset - 1)
        this.#closeSource()
        this.#pending.shift()
        return
      }
      this.#check(batch, segment, scanner)
      this.#stepRead += batch.sizeInBytes
      this.#bytesMapped += batch.sizeInBytes
      if (!this.#mapBatch(batch, maxKeys)) {
        this.#beginCleaning()
        return
      }
      if (batch.lastOffset >= firstDirtyOffset) this.#map.updateLatestOffset(batch.lastOffset)
    }
  }

  /** False when the map is full. */
  #mapBatch(batch: RecordBatch, maxKeys: number): boolean {
    if (batch.isControl) {
      this.#mapTransactions.passControlBatch(batch)
      return true
    }
    if (this.#mapTransactions.passBatch(batch)) return true
    const cursor = new RecordCursor(batch, MAX_DECOMPRESSED_BYTES)
    const { firstDirtyOffset } = this.#plan
    while (cursor.advance()) {
      if (!cursor.hasKey || cursor.offset < firstDirtyOffset) continue
      if (this.#map.size >= maxKeys) return false
      if (!this.#map.put(cursor.payload, cursor.keyStart, cursor.keyLength, cursor.offset)) return false
    }
    return true
  }

  #beginCleaning(): void {
    this.#closeSource()
    const { segments, aborted, lastRecords, nowMs, deleteRetentionMs, firstUncleanableOffset } = this.#plan
    const toClean = segments.filter(({ baseOffset }) => baseOffset <= this.#map.latestOffset)
    this.#groups = groupSegments(this.#plan, toClean, ({ baseOffset }) => ({
      offset: this.#sizeOf(baseOffset, OFFSET_INDEX_SUFFIX),
      time: this.#sizeOf(baseOffset, TIME_INDEX_SUFFIX),
    }))
    this.#transactions = new CleanedTransactions(
      aborted.filter((one) => overlaps(one, segments[0]?.baseOffset ?? 0, firstUncleanableOffset)),
    )
    this.#filter = new BatchFilter({
      nowMs,
      deleteRetentionMs,
      map: this.#map,
      transactions: this.#transactions,
      lastRecords: new Map(lastRecords.map((last) => [last.producerId, last])),
      upperBoundOffset: firstUncleanableOffset,
    })
    this.#pending = []
    this.#phase = 'clean'
  }

  #cleanOn(more: () => boolean): CleanedSegment | undefined {
    if (this.#target === undefined) {
      const group = this.#groups.shift()
      if (group === undefined) {
        this.#phase = 'done'
        return undefined
      }
      this.#beginGroup(group)
    }
    const next = this.#pending[0]
    if (next === undefined) return this.#finishGroup()
    this.#source ??= this.#open(next, 0)
    const { scanner, segment } = this.#source
    const filter = this.#filter
    invariant(filter !== undefined, 'a cleaning without a filter')
    while (more()) {
      const batch = scanner.next()
      if (batch === undefined) {
        segment.failOnFault(scanner)
        this.#closeSource()
        this.#pending.shift()
        return undefined
      }
      this.#check(batch, segment, scanner)
      this.#stepRead += batch.sizeInBytes
      this.#bytesRead += batch.sizeInBytes
      const kept = filter.retain(batch)
      if (kept !== undefined) this.#keep(kept)
    }
    return undefined
  }

  #beginGroup(group: PlannedSegment[]): void {
    const baseOffset = group[0]!.baseOffset
    this.#removeCleaned(baseOffset)
    this.#target = LogSegment.create(this.#context, baseOffset, this.#plan.nowMs, CLEANED_SUFFIX)
    this.#targetGroup = group
    this.#pending = group.slice()
    if (this.#transactions !== undefined) this.#transactions.index = this.#target.transactionIndex
  }

  /** On the device before anything takes its name for that of a whole segment. */
  #finishGroup(): CleanedSegment {
    const target = this.#target
    const last = this.#targetGroup.at(-1)
    invariant(target !== undefined && last !== undefined, 'a group without a segment')
    this.#writeOutput()
    target.seal()
    target.sync()
    target.syncIndexes()
    target.close()
    const { modifiedMs } = this.#fs.stat(this.#pathOf(last.baseOffset, LOG_SUFFIX))
    this.#fs.setModified(target.path, modifiedMs)
    this.#target = undefined
    this.#givenOut = target.baseOffset
    const replaced = this.#targetGroup.map(({ baseOffset }) => baseOffset)
    return { baseOffset: target.baseOffset, size: target.size, replaced }
  }

  #keep(bytes: Buffer): void {
    if (this.#filled + bytes.length > this.#output.length) this.#writeOutput()
    if (bytes.length > this.#output.length) {
      this.#write(bytes)
      return
    }
    this.#filled += bytes.copy(this.#output, this.#filled)
  }

  #writeOutput(): void {
    if (this.#filled > 0) this.#write(this.#output.subarray(0, this.#filled))
    this.#filled = 0
  }

  #write(bytes: Buffer): void {
    this.#target?.append(bytes, this.#plan.indexIntervalBytes)
    this.#stepWritten += bytes.length
    this.#bytesWritten += bytes.length
  }

  /** What is rewritten gets a right CRC, so that a wrong one has to be seen before. */
  #check(batch: RecordBatch, segment: LogSegment, scanner: BatchScanner): void {
    if (batch.crcIsRight()) return
    throw new CorruptLogError(`${segment.path}: the batch at ${scanner.position} has a wrong CRC`)
  }

  #open({ baseOffset, size }: PlannedSegment, position: number): Source {
    const segment = new LogSegment(this.#context, baseOffset, size, this.#plan.nowMs)
    const place = this.#plan.segments.findIndex((planned) => planned.baseOffset === baseOffset)
    return { segment, scanner: segment.scan(position, this.#bufferBytes), endOffset: this.#endOf(place) }
  }

  #closeSource(): void {
    this.#source?.segment.close()
    this.#source = undefined
  }

  /** A full map ends a cleaning in the middle of a segment, where the next one goes on. */
  #positionOfDirty({ baseOffset, size }: PlannedSegment): number {
    const { firstDirtyOffset } = this.#plan
    if (firstDirtyOffset <= baseOffset) return 0
    const { offsetIndex } = new LogSegment(this.#context, baseOffset, size, this.#plan.nowMs)
    return offsetIndex.fault(size) === undefined ? offsetIndex.lookup(firstDirtyOffset) : 0
  }

  #endOf(place: number): number {
    return this.#plan.segments[place + 1]?.baseOffset ?? this.#plan.firstUncleanableOffset
  }

  #removeCleaned(baseOffset: number): void {
    for (const suffix of SEGMENT_FILES) {
      const path = this.#pathOf(baseOffset, suffix) + CLEANED_SUFFIX
      if (this.#fs.exists(path)) this.#fs.removeFile(path)
    }
  }

  #sizeOf(baseOffset: number, suffix: string): number {
    const path = this.#pathOf(baseOffset, suffix)
    return this.#fs.exists(path) ? this.#fs.stat(path).size : 0
  }

  #pathOf(baseOffset: number, suffix: string): string {
    return `${this.#plan.directory}/${offsetFileName(baseOffset, suffix)}`
  }

  #stepBytes(): { readonly bytesRead: number; readonly bytesWritten: number } {
    return { bytesRead: this.#stepRead, bytesWritten: this.#stepWritten }
  }

  #result(): CleaningResult {
    return {
      endOffset: this.#map.latestOffset + 1,
      bytesMapped: this.#bytesMapped,
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      recordsRead: this.#filter?.recordsRead ?? 0,
      recordsKept: this.#filter?.recordsKept ?? 0,
      mapBytes: this.#map.bytes,
      mapKeys: this.#map.size,
    }
  }
}

function overlaps({ firstOffset, lastOffset }: AbortedTransaction, from: number, to: number): boolean {
  return lastOffset >= from && firstOffset < to
}
