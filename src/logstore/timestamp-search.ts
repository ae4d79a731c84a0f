import type { LogSegments } from './log-segments.ts'
import type { FoundTimestamp, LogSegment } from './segment.ts'

/** The first record from `fromOffset` on whose timestamp is at least `timestamp`; undefined where there is none. */
export function findTimestamp(
  segments: LogSegments,
  fromOffset: number,
  timestamp: number,
): FoundTimestamp | undefined {
  for (const segment of segments.from(fromOffset)) {
    if (segment.size === 0 || segment.maxTimestamp.timestamp < timestamp) continue
    const found = segment.findTimestamp(timestamp, fromOffset)
    if (found !== undefined) return found
  }
  return undefined
}

/** The first record from `fromOffset` on that has the largest timestamp; undefined where no record has one. */
export function findMaxTimestamp(segments: LogSegments, fromOffset: number): FoundTimestamp | undefined {
  let latest: LogSegment | undefined
  for (const segment of segments.from(fromOffset)) {
    if (segment.maxTimestamp.timestamp > (latest?.maxTimestamp.timestamp ?? -1)) latest = segment
  }
  if (latest === undefined) return undefined
  return latest.findTimestamp(latest.maxTimestamp.timestamp, fromOffset)
}
