/**
 * A replica that this broker holds: the pure state of the partition joined to its log, and those who wait for either
 * to move. Kafka's `Partition` with its delayed operations.
 *
 * An append to a leader that has nobody to wait for moves the high watermark in the same call.
 */
import type { Clock } from '../../base/clock.ts'
import type { Bytes } from '../../base/file-slice.ts'
import { runAtOnce, type Steps } from '../../base/steps.ts'
import type { ValidatedAppend } from '../../logstore/append-validation.ts'
import type { LogAppendInfo, PartitionLog } from '../../logstore/partition-log.ts'
import type { LogReadResult } from '../../logstore/partition-log-types.ts'
import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import type { PartitionImage } from '../metadata/image.ts'
import type { Partition } from '../partition.ts'
import {
  type FetchLimits,
  type FetchPosition,
  failedFetch,
  type PartitionFetched,
  releaseFiles,
} from './fetch-round.ts'

/** Told of one partition for as long as it watches it; must not throw. */
export interface PartitionWatcher {
  /** The high watermark has moved; there are about so many bytes more that a consumer may read. */
  readable(addedBytes: number): void
  /** Leadership, epoch or log start has moved, or the replica is gone: whoever waits has to look anew. */
  changed(): void
}

export interface AppendOptions {
  readonly origin: 'client' | 'coordinator'
  /** Refused with NOT_ENOUGH_REPLICAS when there are fewer replicas in sync than `min.insync.replicas`. */
  readonly acksAll: boolean
}

/** `offset` of DeleteRecords that stands for the high watermark. */
const TO_HIGH_WATERMARK = -1
const NO_EPOCH = -1
const ACKS_ALL = -1
const ACKS_LEADER = 1

export class HostedPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  #log: PartitionLog
  readonly #state: Partition
  readonly #clock: Clock
  /** Made when there is one; most partitions have none. */
  #watchers: Set<PartitionWatcher> | undefined
  /** Appends that wait for the device, and where the log ended before them. */
  #unflushed = 0
  #flushedEndOffset = 0
  /** Why it is not served here any more; NONE while it is. */
  #closed: number = ErrorCode.NONE

  constructor(
    identity: { readonly topic: string; readonly topicId: string; readonly partition: number },
    log: PartitionLog,
    state: Partition,
    clock: Clock,
  ) {
    this.topic = identity.topic
    this.topicId = identity.topicId
    this.partition = identity.partition
    this.#log = log
    this.#state = state
    this.#clock = clock
  }

  /** Another one after `replaceLog`: not to be kept over an await. */
  get log(): PartitionLog {
    return this.#log
  }

  get leaderEpoch(): number {
    return this.#state.leaderEpoch
  }

  get isLeader(): boolean {
    return !this.#isClosed && this.#state.isLeader
  }

  /** A newer image of this partition. */
  apply(image: PartitionImage): void {
    const { logEndOffset, highWatermark } = this.log
    const countedEndOffset = this.#unflushed > 0 ? this.#flushedEndOffset : logEndOffset
    const log = { logEndOffset, highWatermark, countedEndOffset }
    const change = this.#state.apply(image, log, this.#clock.now())
    if (change === 'stale') return
    if (change === 'became-leader') this.log.assignEpochStartOffset(image.leaderEpoch)
    this.#highWatermarkMoved(0)
    this.#notifyChanged()
  }

  /**
   * Appends as the leader. The bytes are patched in place; nothing of the buffer is kept.
   * Throws AppendRefused, and KafkaError where this broker does not lead or the disk failed.
   */
  append(records: Buffer, options: AppendOptions): LogAppendInfo {
    return this.appendValidated(runAtOnce(this.validateAppend(records, options)), options)
  }

  /** All of `append` that takes long, and its refusals. Whether this broker leads is asked again by the rest. */
  validateAppend(records: Buffer, options: AppendOptions): Steps<ValidatedAppend> {
    this.#checkAppend(options)
    return this.log.validateAppend(records, options.origin)
  }

  /** The rest of `append`. */
  appendValidated(validated: ValidatedAppend, options: AppendOptions): LogAppendInfo {
    this.#checkAppend(options)
    const { leaderEpoch } = this.#state
    const endOffsetBefore = this.log.logEndOffset
    const info = this.log.appendValidated(validated, { leaderEpoch, origin: options.origin })
    if (info.flushed === undefined) {
      this.#appended(this.log.logEndOffset, info.sizeInBytes)
      return info
    }
    const flushed = this.#onDevice(info.flushed, this.log)
    if (this.#unflushed === 0) this.#flushedEndOffset = endOffsetBefore
    this.#countWhen(flushed, this.log.logEndOffset, info.sizeInBytes)
    return { ...info, flushed }
  }

  /** The log may give its place to a copy meanwhile, which has the records and brings them to its own device. */
  async #onDevice(flushed: Promise<void>, log: PartitionLog): Promise<void> {
    try {
      await flushed
    } catch (error) {
      if (log === this.#log) throw error
      await this.#onDevice(this.#log.flushRecords(), this.#log)
    }
  }

  #appended(logEndOffset: number, addedBytes: number): void {
    this.#flushedEndOffset = logEndOffset
    if (this.#state.appended(logEndOffset, this.#clock.now())) this.#highWatermarkMoved(addedBytes)
  }

  /** What `flush.messages` wants on the device counts as appended, and is shown to consumers, when it is there. */
  #countWhen(flushed: Promise<void>, logEndOffset: number, addedBytes: number): void {
    this.#unflushed++
    flushed.then(
      () => {
        this.#unflushed--
        if (!this.isLeader) return
        // The configuration may have changed meanwhile, so that later appends did not wait; or the log was cut.
        const endOffset = Math.min(Math.max(logEndOffset, this.log.highWatermark), this.log.logEndOffset)
        this.#appended(endOffset, addedBytes)
      },
      // The log is offline, and its directory tells whoever waits.
      () => {
        this.#unflushed--
      },
    )
  }

  #checkAppend({ acksAll }: AppendOptions): void {
    const refused = this.#isClosed ? this.#closed : this.#state.checkAppend(acksAll ? ACKS_ALL : ACKS_LEADER)
    if (refused !== ErrorCode.NONE) {
      throw new KafkaError(refused, `partition ${this.topic}-${this.partition} cannot be appended to`)
    }
  }

  /** NONE, or why a request that names this leader epoch (-1 for none) cannot be served here. */
  epochError(currentLeaderEpoch: number): number {
    return this.#isClosed ? this.#closed : this.#state.checkEpoch(currentLeaderEpoch, true)
  }

  /** Whether an acks=all append that ended with `lastOffset` has nothing more to wait for. */
  isSettled(lastOffset: number): boolean {
    return this.#isClosed || this.#state.checkReplicated(lastOffset + 1) !== undefined
  }

  /** What to answer the append that ended with `lastOffset`, waited for or not. */
  replicationError(lastOffset: number): number {
    if (this.#isClosed) return this.#closed
    return this.#state.checkReplicated(lastOffset + 1) ?? ErrorCode.REQUEST_TIMED_OUT
  }

  /** Whole batches from the position on, of at most `maxBytes` unless the first is larger and must be returned. */
  fetch(
    position: FetchPosition,
    limits: FetchLimits,
    maxBytes: number,
    minOneMessage: boolean,
  ): PartitionFetched | Promise<PartitionFetched> {
    const errorCode = this.epochError(position.currentLeaderEpoch)
    if (errorCode !== ErrorCode.NONE) return failedFetch(errorCode)
    if (limits.replicaId >= 0) {
      const refused = this.#followerFetched(position, limits)
      if (refused !== ErrorCode.NONE) return failedFetch(refused)
    }
    const { log } = this
    const { fetchOffset } = position
    // Before the range is: a client whose log was cut is told where, and not merely that it is beyond the end.
    const diverging = this.#divergence(position)
    if (
      diverging === 'unknown' ||
      (diverging === undefined && (fetchOffset < log.logStartOffset || fetchOffset > log.logEndOffset))
    ) {
      return failedFetch(ErrorCode.OFFSET_OUT_OF_RANGE)
    }
    const end =
      limits.replicaId >= 0
        ? log.logEndOffset
        : limits.readCommitted
          ? log.lastStableOffset
          : log.highWatermark
    const seen = {
      errorCode: ErrorCode.NONE,
      highWatermark: log.highWatermark,
      lastStableOffset: log.lastStableOffset,
      logStartOffset: log.logStartOffset,
      divergingEpoch: diverging,
      abortedTransactions: limits.readCommitted ? NO_ABORTED : null,
      records: null,
      size: 0,
    }
    if (diverging !== undefined || fetchOffset >= end) return seen
    // The request has no room left: the disk need not be asked.
    if (maxBytes <= 0 && !minOneMessage) return seen
    try {
      const read =
        limits.isToSend === true
          ? log.readToSend(fetchOffset, maxBytes, end, minOneMessage)
          : log.read(fetchOffset, maxBytes, end, minOneMessage)
      if (!(read instanceof Promise)) return this.#fetched(seen, read, fetchOffset, limits)
      const { segmentRemovals } = log
      return read
        .then((result) => {
          const isCurrent = log === this.#log && log.segmentRemovals === segmentRemovals
          if (isCurrent || !limits.readCommitted) return this.#fetched(seen, result, fetchOffset, limits)
          // Its records may be of transactions that are known no more, aborted or not.
          releaseFiles([{ records: result.buffers }])
          return this.fetch(position, limits, maxBytes, minOneMessage)
        })
        .catch((error: unknown) =>
          // The log that was read has given its place to a copy, which holds the same.
          log === this.#log ? failedRead(error) : this.fetch(position, limits, maxBytes, minOneMessage),
        )
    } catch (error) {
      return failedRead(error)
    }
  }

  /** A follower has all before its fetch offset: the high watermark may move. */
  #followerFetched(position: FetchPosition, { replicaId, replicaEpoch }: FetchLimits): number {
    const { errorCode, highWatermarkAdvanced } = this.#state.followerFetched(
      { ...position, replicaId, replicaEpoch },
      this.#clock.now(),
    )
    if (highWatermarkAdvanced) this.#highWatermarkMoved(0)
    return errorCode
  }

  #fetched(
    seen: PartitionFetched,
    read: LogReadResult<Bytes>,
    fetchOffset: number,
    limits: FetchLimits,
  ): PartitionFetched {
    return {
      ...seen,
      abortedTransactions:
        limits.readCommitted && read.size > 0
          ? this.log.abortedTransactions(fetchOffset, read.nextOffset)
          : seen.abortedTransactions,
      records: read.buffers,
      size: read.size,
    }
  }

  /** Where the client's log parts from this one, by the epoch that it fetched last (KIP-595). */
  #divergence({
    fetchOffset,
    lastFetchedEpoch,
  }: FetchPosition): { readonly epoch: number; readonly endOffset: number } | undefined | 'unknown' {
    if (lastFetchedEpoch === NO_EPOCH) return undefined
    const end = this.endOffsetForEpoch(lastFetchedEpoch)
    if (end.endOffset === NO_EPOCH) return 'unknown'
    if (end.leaderEpoch < lastFetchedEpoch || end.endOffset < fetchOffset) {
      return { epoch: end.leaderEpoch, endOffset: end.endOffset }
    }
    return undefined
  }

  /** The largest epoch up to `leaderEpoch` that the log knows, and where its records end; -1 and -1 for none. */
  endOffsetForEpoch(leaderEpoch: number): { readonly leaderEpoch: number; readonly endOffset: number } {
    if (leaderEpoch === this.#state.leaderEpoch) return { leaderEpoch, endOffset: this.log.logEndOffset }
    return this.log.endOffsetForEpoch(leaderEpoch)
  }

  /** Moves the log start up to `offset` (-1 for the high watermark); the new log start. Throws KafkaError. */
  deleteRecords(offset: number): number {
    const errorCode = this.epochError(NO_EPOCH)
    if (errorCode !== ErrorCode.NONE) throw new KafkaError(errorCode, 'only the leader deletes records')
    if (!this.log.config.cleanupPolicy.includes('delete')) {
      throw new KafkaError(
        ErrorCode.POLICY_VIOLATION,
        `Records of partition ${this.topic}-${this.partition} can not be deleted due to the configured policy`,
      )
    }
    const target = offset === TO_HIGH_WATERMARK ? this.log.highWatermark : offset
    if (target < 0 || target > this.log.highWatermark) {
      throw new KafkaError(
        ErrorCode.OFFSET_OUT_OF_RANGE,
        `The offset ${target} for partition ${this.topic}-${this.partition} is not valid`,
      )
    }
    this.log.incrementLogStartOffset(target)
    this.#notifyChanged()
    return this.log.logStartOffset
  }

  watch(watcher: PartitionWatcher): void {
    this.#watchers ??= new Set()
    this.#watchers.add(watcher)
  }

  unwatch(watcher: PartitionWatcher): void {
    this.#watchers?.delete(watcher)
  }

  /** The copy has taken the place of the log, with all that it held: nobody has to look anew. */
  replaceLog(log: PartitionLog): void {
    this.#log = log
    log.updateHighWatermark(this.#state.highWatermark)
  }

  /** The replica is no longer served here: those who wait are told, and why. The log is the owner's to close or delete. */
  close(errorCode: number = ErrorCode.NOT_LEADER_OR_FOLLOWER): void {
    this.#closed = errorCode
    this.#notifyChanged()
  }

  get #isClosed(): boolean {
    return this.#closed !== ErrorCode.NONE
  }

  #highWatermarkMoved(addedBytes: number): void {
    this.log.updateHighWatermark(this.#state.highWatermark)
    if (this.#watchers !== undefined) for (const watcher of this.#watchers) watcher.readable(addedBytes)
  }

  #notifyChanged(): void {
    if (this.#watchers !== undefined) for (const watcher of this.#watchers) watcher.changed()
  }
}

/** The disk failed, or the log was cut or deleted under the read: no reason to fail the other partitions of a request. */
function failedRead(error: unknown): PartitionFetched {
  if (error instanceof KafkaError) return failedFetch(error.code)
  throw error
}

const NO_ABORTED: readonly { readonly producerId: number; readonly firstOffset: number }[] = []
