import type { Bytes } from '../base/file-slice.ts'
import { invariant } from '../base/invariant.ts'
import { silentLogger } from '../base/logger.ts'
import { runAtOnce, type Steps } from '../base/steps.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { duplicateAppend, nothingAppended } from './append-info.ts'
import { leaderBatches, type ValidatedAppend } from './append-validation.ts'
import { CleaningHold } from './compaction/cleaning-hold.ts'
import type { CleanedSegment } from './compaction/log-cleaning.ts'
import { JoinedSync } from './joined-sync.ts'
import { LeaderEpochs, UNDEFINED_EPOCH, UNDEFINED_EPOCH_OFFSET } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import type { LogStorageError } from './log-errors.ts'
import { LogFlusher } from './log-flusher.ts'
import { LogHealth } from './log-health.ts'
import { LogReads } from './log-reads.ts'
import type { LogSegments } from './log-segments.ts'
import { offsetsBefore } from './offsets-before.ts'
import { OpenFiles } from './open-files.ts'
import type {
  AppendAsLeaderOptions,
  LogAppendInfo,
  LogReadResult,
  PartitionLogOptions,
} from './partition-log-types.ts'
import { type PreparedAppend, prepareAsFollower, prepareAsLeader } from './prepared-append.ts'
import { replayProducers } from './producer-replay.ts'
import type { ProducerStates } from './producer-state.ts'
import { type RecoveredLog, recoverLog } from './recovery.ts'
import { expiredSegments } from './retention.ts'
import type { FoundTimestamp, SegmentContext } from './segment.ts'
import { SegmentTurnover } from './segment-turnover.ts'
import { findMaxTimestamp, findTimestamp } from './timestamp-search.ts'
import type { AbortedTransaction } from './transaction-index.ts'

export type {
  AppendAsLeaderOptions,
  LogAppendInfo,
  LogReadResult,
  PartitionLogOptions,
} from './partition-log-types.ts'

const DEFAULT_PRODUCER_ID_EXPIRATION_MS = 86_400_000

/**
 * The log of one partition: its segments as one (Kafka's `UnifiedLog`). All but disk reads and flushes is synchronous.
 *
 * After `append…` returns, the batch is in the page cache and survives a kill of the process. After `flush` resolves,
 * all that was appended before the call survives a crash; where `flush.messages` is met, an append says when that is.
 * A failed write leaves the log as it was; where even that can't be had, it goes offline and every call fails with
 * LogStorageError.
 */
export class PartitionLog {
  readonly topic: string
  readonly partition: number
  readonly topicPartition: string
  readonly cleaning = new CleaningHold()
  readonly #options: PartitionLogOptions
  readonly #health: LogHealth
  readonly #segments: LogSegments
  readonly #producers: ProducerStates
  readonly #epochs: LeaderEpochs
  readonly #reads: LogReads
  readonly #flusher: LogFlusher
  readonly #turnover: SegmentTurnover
  #directory: string
  #config: LogConfig
  #logStartOffset: number
  #logEndOffset: number
  #highWatermark: number

  /** Opens what is in the directory, after any kind of stop; an empty log where there is nothing. */
  static open(options: PartitionLogOptions): PartitionLog {
    return runAtOnce(PartitionLog.opening(options))
  }

  /** As `open`. Nobody else may use the directory until it has ended; it can be given up at any step. */
  static *opening(options: PartitionLogOptions): Steps<PartitionLog> {
    const { fs, directory, topic, partition, clock, logger = silentLogger } = options
    const context = { fs, directory, openFiles: options.openFiles ?? new OpenFiles() }
    const topicPartition = `${topic}-${partition}`
    const epochs = new LeaderEpochs(fs, directory)
    fs.makeDirectory(directory)
    const recovered = yield* recoverLog({
      context,
      producers: {
        fs,
        directory,
        topicPartition,
        logger,
        producerIdExpirationMs: options.producerIdExpirationMs ?? DEFAULT_PRODUCER_ID_EXPIRATION_MS,
      },
      epochs,
      config: options.config,
      clock,
      logger,
      topicPartition,
      hadCleanShutdown: options.hadCleanShutdown ?? false,
      recoveryPoint: options.recoveryPoint ?? 0,
      logStartOffset: options.logStartOffset ?? 0,
      cleanOffset: options.cleanOffset ?? 0,
    })
    return new PartitionLog(options, context, epochs, recovered)
  }

  private constructor(
    options: PartitionLogOptions,
    context: SegmentContext,
    epochs: LeaderEpochs,
    recovered: RecoveredLog,
  ) {
    const { fs, directory, topic, partition, clock } = options
    this.#options = options
    this.topic = topic
    this.partition = partition
    this.topicPartition = `${topic}-${partition}`
    const logger = options.logger ?? silentLogger
    this.#health = new LogHealth(this.topicPartition, logger, options.onFailure, options.directoryFailure)
    this.#config = options.config
    this.#directory = directory
    this.#epochs = epochs
    this.#segments = recovered.segments
    this.#producers = recovered.producers
    this.#logStartOffset = recovered.logStartOffset
    this.#logEndOffset = recovered.logEndOffset
    this.#reads = new LogReads({
      log: this,
      segments: recovered.segments,
      health: this.#health,
      logger,
      tailCacheBudget: options.tailCacheBudget,
      buffers: options.buffers,
      readAheads: options.readAheads,
    })
    this.#flusher = new LogFlusher({
      log: this,
      health: this.#health,
      fs,
      directory,
      parent: options.parentSync ?? new JoinedSync(fs, `${directory}/..`),
      segments: recovered.segments,
      producers: recovered.producers,
      epochs: this.#epochs,
      clock,
      logger,
      topicPartition: this.topicPartition,
      recoveryPoint: recovered.recoveryPoint,
      namesSynced: recovered.isFlushed,
    })
    this.#turnover = new SegmentTurnover({
      log: this,
      context,
      segments: recovered.segments,
      producers: recovered.producers,
      flusher: this.#flusher,
      clock,
      random: options.random,
      logger,
    })
    // What a kill left in the page cache is shown to readers from now on.
    if (!recovered.isFlushed && this.#isFlushDue()) this.#flusher.flushRecordsNow()
    this.#highWatermark = this.#logStartOffset
    this.updateHighWatermark(options.highWatermark ?? 0)
  }

  get config(): LogConfig {
    return this.#config
  }
  get directory(): string {
    return this.#directory
  }
  get logStartOffset(): number {
    return this.#logStartOffset
  }
  get logEndOffset(): number {
    return this.#logEndOffset
  }
  get highWatermark(): number {
    return this.#highWatermark
  }
  /** All below is on the device. */
  get recoveryPoint(): number {
    return this.#flusher.recoveryPoint
  }
  /** All records below are on the device; not below the recovery point. */
  get durableOffset(): number {
    return this.#flusher.durableOffset
  }
  get lastFlushMs(): number {
    return this.#flusher.lastFlushMs
  }
  /** By base offset; the last one is active. Not to be changed. */
  get segments(): LogSegments {
    return this.#segments
  }
  /** Bytes of all segments. */
  get size(): number {
    return this.#segments.size
  }
  get producers(): ProducerStates {
    return this.#producers
  }
  get leaderEpochs(): LeaderEpochs {
    return this.#epochs
  }
  /** Why the log is offline; undefined while it works. */
  get failure(): LogStorageError | undefined {
    return this.#health.failure
  }

  get isClosed(): boolean {
    return this.#health.closed
  }

  /** Below it every transaction is decided; never above the high watermark. */
  get lastStableOffset(): number {
    const unstable = this.#producers.firstUnstableOffset
    if (unstable === undefined) return this.#highWatermark
    return Math.min(this.#highWatermark, Math.max(unstable, this.#logStartOffset))
  }

  /** Kept within the log; may go back, as a new leader's does. */
  updateHighWatermark(highWatermark: number): void {
    this.#highWatermark = Math.min(Math.max(highWatermark, this.#logStartOffset), this.#logEndOffset)
    this.#producers.onHighWatermark(this.#highWatermark)
  }

  updateConfig(config: LogConfig): void {
    const { segmentJitterMs, segmentMs } = this.#config
    const jitterChanged = config.segmentJitterMs !== segmentJitterMs || config.segmentMs !== segmentMs
    if (!config.cleanupPolicy.includes('compact')) this.cleaning.abort('the log is not compacted any more')
    this.#config = config
    if (jitterChanged) this.#turnover.drawJitter()
  }

  /**
   * Appends whole batches at the end: gives them their offsets, leader epoch and, under LogAppendTime, their time, in
   * place. Nothing of the buffer is kept. Throws AppendRefused and LogStorageError.
   */
  appendAsLeader(records: Buffer, options: AppendAsLeaderOptions): LogAppendInfo {
    return this.appendValidated(runAtOnce(this.validateAppend(records, options.origin)), options)
  }

  /** All of `appendAsLeader` that takes long, which changes neither log nor bytes; anew for each append. */
  validateAppend(records: Buffer, origin: AppendAsLeaderOptions['origin']): Steps<ValidatedAppend> {
    this.#health.check()
    return leaderBatches(records, this.#config, this.topicPartition, origin, this.#options.clock.now())
  }

  /** The rest of `appendAsLeader`. */
  appendValidated(validated: ValidatedAppend, options: AppendAsLeaderOptions): LogAppendInfo {
    this.#health.check()
    const nowMs = this.#options.clock.now()
    const prepared = prepareAsLeader(validated, options, this, nowMs)
    const { duplicate } = prepared.producers
    if (duplicate !== undefined)
      return { ...duplicateAppend(duplicate, this.#logStartOffset), flushed: this.#flushIfDue() }
    return this.#append(prepared, nowMs)
  }

  /** Appends what the leader sent, offsets and all; a cut-off batch at the end is left out. */
  appendAsFollower(records: Buffer): LogAppendInfo {
    this.#health.check()
    return this.#append(prepareAsFollower(records, this), this.#options.clock.now())
  }

  /**
   * Whole batches from the one that holds `startOffset`, of at most `maxBytes`, none that reaches over
   * `upperBoundOffset` (the high watermark or last stable offset of a consumer); with `minOneMessage` the first one
   * whatever its size. At once where memory has them, a promise where the disk does. Throws KafkaError with
   * OFFSET_OUT_OF_RANGE, CorruptLogError, LogStorageError.
   */
  read(
    startOffset: number,
    maxBytes: number,
    upperBoundOffset: number,
    minOneMessage: boolean,
  ): LogReadResult | Promise<LogReadResult> {
    this.#health.check()
    return this.#reads.read(startOffset, maxBytes, upperBoundOffset, minOneMessage)
  }

  /** As `read`, for an answer: what the disk has may be slices of the file, whose batches nobody looks at. */
  readToSend(
    startOffset: number,
    maxBytes: number,
    upperBoundOffset: number,
    minOneMessage: boolean,
  ): LogReadResult<Bytes> | Promise<LogReadResult<Bytes>> {
    this.#health.check()
    return this.#reads.readToSend(startOffset, maxBytes, upperBoundOffset, minOneMessage)
  }

  /** As `read` up to the end of the log, at once: it waits for the disk where memory has not what is asked for. */
  readNow(startOffset: number, maxBytes: number): LogReadResult {
    this.#health.check()
    return this.#reads.readNow(startOffset, maxBytes)
  }

  /** Counts the times that segments have gone or been replaced, and with them what was known of their transactions. */
  get segmentRemovals(): number {
    return this.#segments.removals
  }

  /** The aborted transactions that touch `[fromOffset, toOffset)`, of the records that are there now. */
  abortedTransactions(fromOffset: number, toOffset: number): AbortedTransaction[] {
    return this.#health.look('look up aborted transactions of', () =>
      this.#segments.abortedTransactions(fromOffset, toOffset),
    )
  }

  /** The first record whose timestamp is at least `timestamp`; undefined where there is none. */
  offsetForTimestamp(timestamp: number): FoundTimestamp | undefined {
    return this.#health.look('look up a timestamp of', () =>
      findTimestamp(this.#segments, this.#logStartOffset, timestamp),
    )
  }

  /** The first record that has the largest timestamp of the log; undefined where no record has one. */
  maxTimestampOffset(): FoundTimestamp | undefined {
    return this.#health.look('look up the latest timestamp of', () =>
      findMaxTimestamp(this.#segments, this.#logStartOffset),
    )
  }

  /** At most `maxCount` offsets where segments begin or the log ends, as `offsetsBefore` has it. */
  offsetsBefore(timestampMs: number, maxCount: number): number[] {
    return this.#health.look('look up offsets of', () =>
      offsetsBefore(this.#segments.all, {
        timestampMs,
        maxCount,
        logStartOffset: this.#logStartOffset,
        logEndOffset: this.#logEndOffset,
        nowMs: this.#options.clock.now(),
      }),
    )
  }

  /** The epoch of the first record; -1 where none is known. */
  earliestEpoch(): number {
    return this.#epochs.epochForOffset(this.#logStartOffset) ?? UNDEFINED_EPOCH
  }

  latestEpoch(): number {
    return this.#epochs.latestEpoch ?? UNDEFINED_EPOCH
  }

  /** A new leader's epoch begins at the end of the log. */
  assignEpochStartOffset(leaderEpoch: number, startOffset: number = this.#logEndOffset): void {
    this.#epochs.assign(leaderEpoch, startOffset)
  }

  /** The largest epoch up to `epoch` and where it ends, as LeaderEpochs.endOffsetFor; -1 and -1 for undefined. */
  endOffsetForEpoch(epoch: number): { readonly leaderEpoch: number; readonly endOffset: number } {
    const found = this.#epochs.endOffsetFor(epoch, this.#logEndOffset)
    if (found === undefined) return { leaderEpoch: UNDEFINED_EPOCH, endOffset: UNDEFINED_EPOCH_OFFSET }
    return { leaderEpoch: found.epoch, endOffset: found.endOffset }
  }

  /** Removes `offset` and all above it. Returns whether anything was removed. */
  truncateTo(offset: number): boolean {
    this.#health.check()
    invariant(offset >= 0, `truncation to ${offset}`)
    if (offset >= this.#logEndOffset) {
      this.#epochs.truncateFromEnd(offset)
      return false
    }
    if (offset < this.#segments.first.baseOffset) {
      this.truncateFullyAndStartAt(offset)
      return true
    }
    this.#beforeCut(offset)
    this.#health.guard('truncate', () => {
      const above = this.#segments.all.filter((segment) => segment.baseOffset > offset)
      this.#turnover.delete(above)
      this.#segments.active.truncateTo(offset)
      this.#cutState(offset)
      this.#producers.reload(this.#logStartOffset, offset, this.#options.clock.now())
      runAtOnce(replayProducers(this.#producers, this.#segments, this.#logStartOffset, offset))
    })
    return true
  }

  /** Empties the log; the next record gets `offset`. */
  truncateFullyAndStartAt(offset: number): void {
    this.#health.check()
    this.cleaning.abort('the log was emptied')
    this.#beforeCut(offset)
    this.#health.guard('truncate', () => {
      this.#turnover.delete(this.#segments.all.slice())
      this.#turnover.add(offset)
      this.#logStartOffset = offset
      this.#cutState(offset)
      this.#epochs.clear()
      this.#producers.removeAllSnapshots()
      this.#producers.clear(offset)
    })
    this.#highWatermark = offset
  }

  /**
   * Records below `offset` are gone for readers; segments that lie below go with the next retention. Throws KafkaError
   * OFFSET_OUT_OF_RANGE above the high watermark. Returns whether it moved.
   */
  incrementLogStartOffset(offset: number): boolean {
    this.#health.check()
    if (offset > this.#highWatermark)
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `Cannot increment the log start offset to ${offset} of partition ${this.topicPartition} since it is larger than the high watermark ${this.#highWatermark}`,
      )
    if (offset <= this.#logStartOffset) return false
    this.#logStartOffset = offset
    this.#epochs.truncateFromStart(offset)
    return true
  }

  /** Applies retention. Returns how many segments went. */
  deleteOldSegments(nowMs: number): number {
    this.#health.check()
    return this.#health.guard('delete segments', () => {
      const expired = expiredSegments(this.#segments, this.#config, this, nowMs)
      if (expired.length === this.#segments.count && !this.#turnover.rollBeforeDeletion()) expired.pop()
      if (expired.length === 0) return 0
      this.#turnover.delete(expired)
      this.#logStartOffset = Math.max(this.#logStartOffset, this.#segments.first.baseOffset)
      this.#epochs.truncateFromStart(this.#logStartOffset)
      return expired.length
    })
  }

  /**
   * Puts a cleaned segment, which is on the device, in the place of those that it was made from. Reads under way go on
   * in the old ones. Whoever calls it holds `cleaning`, and syncs the directory afterwards.
   */
  replaceSegments(cleaned: CleanedSegment): void {
    this.#health.check()
    this.#health.guard('replace segments of', () => this.#turnover.swapIn(cleaned))
    this.#reads.replacedBelow(this.#segments.from(cleaned.baseOffset)[1]?.baseOffset ?? 0)
  }

  /** Forgets the producers that have been silent for too long. Returns how many. */
  expireProducers(nowMs: number): number {
    return this.#producers.expire(nowMs)
  }

  /** Resolves when all that is in the log now is on the device. Rejects with LogStorageError, and the log is offline. */
  flush(): Promise<void> {
    return this.#flusher.flush()
  }

  /** As `flush` of the records alone. Rejects where the log was closed meanwhile, too. */
  flushRecords(): Promise<void> {
    return this.#flusher.flushRecords()
  }

  /** Brings the records to the device before it returns. Throws LogStorageError, and the log is offline. */
  flushRecordsNow(): void {
    this.#health.check()
    this.#health.guard('flush', () => this.#flusher.flushRecordsNow())
  }

  /** Of what lies at `offset` or above, nothing is known to be on the device, whatever the open was told. */
  notFlushedFrom(offset: number): void {
    this.#flusher.notFlushedFrom(offset)
  }

  /** Writes everything down and closes the files; what was appended is on the device then. Idempotent. */
  async close(): Promise<void> {
    if (this.#health.closed) return
    this.#turnover.close()
    try {
      if (this.#health.failure === undefined) {
        this.#health.guard('close', () => {
          this.#producers.takeSnapshot()
          this.#segments.active.seal()
        })
        await this.flush()
        if (this.recoveryPoint < this.#logEndOffset)
          throw this.#health.error('close', new Error('there was no room for what stands beside the records'))
      }
    } finally {
      this.#release()
    }
  }

  /** What only memory knows of a log with the same records: all that its producers may send again, all epochs. */
  takeStateOf(other: PartitionLog): void {
    invariant(other.#logEndOffset === this.#logEndOffset, `${this.topicPartition} is copied to its end`)
    this.#producers.takeStateOf(other.#producers)
    for (const { epoch, startOffset } of other.#epochs.entries) this.#epochs.assign(epoch, startOffset)
  }

  /** Writes down what the next open needs to find the log as after a clean stop. Throws LogStorageError. */
  seal(): void {
    this.#health.check()
    this.#health.guard('seal', () => {
      this.#producers.takeSnapshot()
      this.#segments.active.seal()
      this.#epochs.flush(this.#logEndOffset)
    })
  }

  /** Closes the files and writes nothing more: the directory is going away. `directory` is its name now. */
  abandon(directory: string = this.#directory): void {
    this.#turnover.close()
    this.#directory = directory
    this.#release()
  }

  #release(): void {
    this.cleaning.abort('the log was closed')
    this.#health.closed = true
    this.#reads.clear()
    for (const segment of this.#segments.all) segment.close()
  }

  #append({ bytes, batches, producers, logAppendTimeMs }: PreparedAppend, nowMs: number): LogAppendInfo {
    const first = batches[0]
    const last = batches.at(-1)
    if (first === undefined || last === undefined) return nothingAppended(this.#logStartOffset)
    const firstOffset = first.baseOffset
    const { lastOffset } = last
    try {
      this.#turnover.rollIfDue(bytes.length, first, last, nowMs)
    } catch (error) {
      throw this.#health.report('roll', error)
    }
    const segment = this.#segments.active
    try {
      segment.append(bytes, this.#config.indexIntervalBytes)
    } catch (error) {
      try {
        segment.cutStrayBytes()
      } catch (second) {
        this.#health.fail('undo a failed write', second)
      }
      throw this.#health.report('append', error)
    }
    for (const batch of batches) {
      if (batch.partitionLeaderEpoch >= 0) this.#epochs.assign(batch.partitionLeaderEpoch, batch.baseOffset)
      this.#reads.appended(batch)
    }
    for (const append of producers.appends.values()) this.#producers.update(append)
    for (const completed of producers.completed) {
      if (completed.isAborted)
        segment.transactionIndex.append({
          ...completed,
          lastStableOffset: this.#producers.lastStableOffsetAfter(completed),
        })
      this.#producers.completeTransaction(completed)
    }
    this.#logEndOffset = lastOffset + 1
    this.#producers.mapEndOffset = this.#logEndOffset
    return {
      firstOffset,
      lastOffset,
      logAppendTimeMs,
      logStartOffset: this.#logStartOffset,
      duplicate: false,
      sizeInBytes: bytes.length,
      flushed: this.#flushIfDue(),
    }
  }

  /** Where `flush.messages` asks for it: whoever appended waits for that. */
  #flushIfDue(): Promise<void> | undefined {
    if (!this.#isFlushDue()) return undefined
    const flushed = this.#flusher.flushRecords()
    // Failure takes the log offline, also where nobody waits.
    flushed.catch(() => {})
    return flushed
  }

  #isFlushDue(): boolean {
    return this.#logEndOffset - this.#flusher.durableOffset >= this.#config.flushMessages
  }

  #beforeCut(offset: number): void {
    if (offset < this.#segments.active.baseOffset) this.cleaning.abort('the log was cut')
    this.#flusher.truncated(offset)
    this.#options.beforeTruncation?.(offset)
    this.#reads.truncated(offset)
  }

  #cutState(offset: number): void {
    this.#logEndOffset = offset
    this.#epochs.truncateFromEnd(offset)
    this.#logStartOffset = Math.min(this.#logStartOffset, offset)
    if (this.#highWatermark > offset) this.#highWatermark = offset
  }
}
