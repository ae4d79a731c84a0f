import type { Random } from '../base/random.ts'
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
    (active.size > 0 && waitedMs(active, last, nowMs) > maxSegmentMs(config) - jitterMs) ||
    active.indexesFull(config.segmentIndexBytes) ||
    last.lastOffset - active.baseOffset > MAX_RELATIVE_OFFSET
  )
}

/** Logs that began together are not to roll together. */
export function drawJitterMs({ segmentJitterMs, segmentMs }: LogConfig, random: Random): number {
  const bound = Math.min(segmentJitterMs, segmentMs)
  return bound > 0 ? random.bytes(4).readUInt32BE() % bound : 0
}

/** Only what is not in the active segment is compacted (Kafka's `LogConfig.maxSegmentMs`). */
function maxSegmentMs({ cleanupPolicy, segmentMs, maxCompactionLagMs }: LogConfig): number {
  return cleanupPolicy.includes('compact') && maxCompactionLagMs > 0
    ? Math.min(maxCompactionLagMs, segmentMs)
    : segmentMs
}

/** By the clock of the records themselves, where they have one. */
function waitedMs(active: LogSegment, last: RecordBatch, nowMs: number): number {
  const firstTimestamp = active.firstTimestamp()
  return firstTimestamp === undefined ? nowMs - active.createdMs : last.maxTimestamp - firstTimestamp
}
