import type { PartitionLog } from '../partition-log.ts'
import type { LogSegment } from '../segment.ts'

/** How much of a log waits for compaction (Kafka's `LogToClean`). */
export interface Cleanable {
  readonly log: PartitionLog
  readonly firstDirtyOffset: number
  /** Where a segment begins that is not to be touched yet. */
  readonly firstUncleanableOffset: number
  readonly cleanBytes: number
  readonly cleanableBytes: number
  /** Dirty bytes among those that would be passed; 0 where there are none. */
  readonly ratio: number
  /** Some record has waited for longer than `max.compaction.lag.ms`. */
  readonly isOverdue: boolean
  /** The checkpoint was beyond the log, on either side, and does not hold. */
  readonly resetsCheckpoint: boolean
}

/** `checkpoint` is up to where the log was clean; undefined where it never was cleaned. */
export function cleanableOf(log: PartitionLog, checkpoint: number | undefined, nowMs: number): Cleanable {
  const { segments, logStartOffset, logEndOffset } = log
  const resetsCheckpoint =
    checkpoint !== undefined && (checkpoint < logStartOffset || checkpoint > logEndOffset)
  const firstDirtyOffset = checkpoint === undefined || resetsCheckpoint ? logStartOffset : checkpoint
  const dirty = nonActiveFrom(log, firstDirtyOffset)
  const bound = Math.max(firstDirtyOffset, uncleanableOffset(log, dirty, nowMs))
  const firstUncleanableOffset = (nonActiveFrom(log, bound)[0] ?? segments.active).baseOffset
  let cleanBytes = 0
  for (const segment of segments.all) {
    if (segment.baseOffset < firstDirtyOffset) cleanBytes += segment.size
  }
  let cleanableBytes = 0
  const from = Math.min(firstDirtyOffset, firstUncleanableOffset)
  for (const segment of from === firstUncleanableOffset ? [] : segments.from(from)) {
    if (segment.baseOffset < firstUncleanableOffset) cleanableBytes += segment.size
  }
  const totalBytes = cleanBytes + cleanableBytes
  return {
    log,
    firstDirtyOffset,
    firstUncleanableOffset,
    cleanBytes,
    cleanableBytes,
    ratio: totalBytes === 0 ? 0 : cleanableBytes / totalBytes,
    isOverdue: isOverdue(log, dirty, nowMs),
    resetsCheckpoint,
  }
}

/** Those that may hold `offset` or something above it, but for the active one. */
function nonActiveFrom({ segments }: PartitionLog, offset: number): readonly LogSegment[] {
  return offset > segments.active.baseOffset ? [] : segments.from(offset).slice(0, -1)
}

/** Neither the active segment, nor what is not decided or replicated, nor what is too young. */
function uncleanableOffset(log: PartitionLog, dirty: readonly LogSegment[], nowMs: number): number {
  const offset = Math.min(log.lastStableOffset, log.segments.active.baseOffset)
  const { minCompactionLagMs } = log.config
  if (minCompactionLagMs <= 0) return offset
  const young = dirty.find((segment) => segment.largestTimestampMs() > nowMs - minCompactionLagMs)
  return young === undefined ? offset : Math.min(offset, young.baseOffset)
}

function isOverdue(log: PartitionLog, dirty: readonly LogSegment[], nowMs: number): boolean {
  const dueMs = nowMs - Math.max(log.config.maxCompactionLagMs, 0)
  // Nothing is older; the segments need not be looked at.
  if (dueMs <= 0) return false
  return dirty.some((segment) => {
    const timestamp = segment.firstTimestamp()
    return timestamp !== undefined && timestamp > 0 && timestamp < dueMs
  })
}
