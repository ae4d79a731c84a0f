import type { LogConfig } from './log-config.ts'
import type { LogSegments } from './log-segments.ts'
import type { LogSegment } from './segment.ts'

/**
 * The oldest segments that need not be kept (Kafka's `deleteOldSegments`): by time, by size, and below the log start.
 * None that reaches above the high watermark, and an empty active segment stays. Time is that of the latest record of
 * a segment, so that records from the future keep it.
 */
export function expiredSegments(
  segments: LogSegments,
  config: LogConfig,
  offsets: { readonly logStartOffset: number; readonly logEndOffset: number; readonly highWatermark: number },
  nowMs: number,
): LogSegment[] {
  const { all } = segments
  const byPolicy = config.cleanupPolicy.includes('delete')
  let excess = byPolicy && config.retentionBytes >= 0 ? segments.size - config.retentionBytes : 0
  const expired: LogSegment[] = []
  for (const [index, segment] of all.entries()) {
    const next = all[index + 1]
    const endOffset = next?.baseOffset ?? offsets.logEndOffset
    if (endOffset > offsets.highWatermark || (next === undefined && segment.size === 0)) break
    const tooOld =
      byPolicy && config.retentionMs >= 0 && nowMs - segment.largestTimestampMs() > config.retentionMs
    const tooMuch = excess > 0 && excess >= segment.size
    const belowStart = next !== undefined && endOffset <= offsets.logStartOffset
    if (!tooOld && !tooMuch && !belowStart) break
    excess -= segment.size
    expired.push(segment)
  }
  return expired
}
