import type { RecordBatch } from '../wire/batch.ts'
import type { LogConfig } from './log-config.ts'
import { type LogSegment, MAX_RELATIVE_OFFSET } from './segment.ts'

/** Whether the append has to go into a new segment (Kafka's `LogSegment.shouldRoll`). */
export function shouldRoll(
  active: LogSegment,
  config: LogConfig,
  jitterMs: number,
  sizeInBytes: number,
  last: RecordBatch,
  nowMs: number,
): boolean {
  return (
    active.size > config.segmentBytes - sizeInBytes ||
    (active.size > 0 && waitedMs(active, last, nowMs) > config.segmentMs - jitterMs) ||
    active.indexesFull(config.segmentIndexBytes) ||
    last.lastOffset - active.baseOffset > MAX_RELATIVE_OFFSET
  )
}

/** By the clock of the records themselves, where they have one. */
function waitedMs(active: LogSegment, last: RecordBatch, nowMs: number): number {
  const firstTimestamp = active.firstTimestamp()
  return firstTimestamp === undefined ? nowMs - active.createdMs : last.maxTimestamp - firstTimestamp
}
