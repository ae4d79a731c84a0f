import { type RecordBatch, setBatchMaxTimestamp } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { analyzeBatches, type ValidatedAppend } from './append-validation.ts'
import type { LogConfig } from './log-config.ts'
import { AppendRefused } from './log-errors.ts'
import type { AppendAsLeaderOptions } from './partition-log-types.ts'
import { type CheckedProducers, checkProducers } from './producer-check.ts'
import type { ProducerStates } from './producer-state.ts'

/** Batches that are checked and carry all that the log gives them: ready to be written. */
export interface PreparedAppend {
  readonly bytes: Buffer
  /** Views on `bytes`. */
  readonly batches: readonly RecordBatch[]
  /** With a duplicate, nothing is to be written, and nothing of the batches has changed. */
  readonly producers: CheckedProducers
  /** -1 for CreateTime. */
  readonly logAppendTimeMs: number
}

/** What an append depends on of the log that it goes to. */
export interface AppendTarget {
  readonly topicPartition: string
  readonly config: LogConfig
  readonly producers: ProducerStates
  readonly logEndOffset: number
}

/**
 * Of what a client or coordinator sent: gives the batches their offsets, leader epoch and, under LogAppendTime, their
 * time, in place. Throws AppendRefused.
 */
export function prepareAsLeader(
  { bytes, batches, config }: ValidatedAppend,
  { leaderEpoch, origin }: AppendAsLeaderOptions,
  { producers, logEndOffset }: AppendTarget,
  nowMs: number,
): PreparedAppend {
  const baseOffsets: number[] = []
  let offset = logEndOffset
  for (const batch of batches) {
    baseOffsets.push(offset)
    offset += batch.lastOffsetDelta + 1
  }
  const isLogAppendTime = config.messageTimestampType === 'LogAppendTime'
  const logAppendTimeMs = isLogAppendTime ? nowMs : -1
  const checked = checkProducers(producers, batches, baseOffsets, origin, isLogAppendTime ? nowMs : undefined)
  const prepared = { bytes, batches, producers: checked, logAppendTimeMs }
  if (checked.duplicate !== undefined) return prepared
  for (const [index, batch] of batches.entries()) {
    batch.setBaseOffset(baseOffsets[index]!)
    batch.setPartitionLeaderEpoch(leaderEpoch)
    if (isLogAppendTime) batch.setLogAppendTime(nowMs)
    else if (batch.timestampType === 'LogAppendTime')
      setBatchMaxTimestamp(batch.buffer, batch.position, 'CreateTime', batch.maxTimestamp)
  }
  return prepared
}

/** Of what the leader sent, offsets and all; a cut-off batch at the end is left out. Throws AppendRefused. */
export function prepareAsFollower(
  records: Buffer,
  { topicPartition, config, producers, logEndOffset }: AppendTarget,
): PreparedAppend {
  const batches = analyzeBatches(records, config, topicPartition, 'replication')
  let expected = logEndOffset
  for (const batch of batches) {
    if (batch.baseOffset < expected)
      throw new AppendRefused(
        ErrorCode.UNKNOWN_SERVER_ERROR,
        `Unexpected offset in append to ${topicPartition}. First offset ${batch.baseOffset} is less than the next offset ${expected}.`,
      )
    expected = batch.nextOffset
  }
  const baseOffsets = batches.map((batch) => batch.baseOffset)
  const checked = checkProducers(producers, batches, baseOffsets, 'replication')
  const bytes = records.subarray(0, batches.at(-1)?.end ?? 0)
  return { bytes, batches, producers: checked, logAppendTimeMs: -1 }
}
