import type { LogSegment } from './segment.ts'

const LATEST = -1
const EARLIEST = -2

/** What is asked of the log that the segments are of. */
export interface OffsetsBefore {
  /** -1 for the latest offsets, -2 for the earliest one. */
  readonly timestampMs: number
  readonly maxCount: number
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly nowMs: number
}

/**
 * Where the segments begin that were last written to by `timestampMs`, and the end of the log, latest first: what
 * clients asked for before records had timestamps. Kafka's `UnifiedLog.legacyFetchOffsetsBefore`.
 */
export function offsetsBefore(
  segments: readonly Pick<LogSegment, 'baseOffset' | 'size' | 'modifiedMs'>[],
  wanted: OffsetsBefore,
): number[] {
  const known = segments.map((segment) => ({
    offset: Math.max(segment.baseOffset, wanted.logStartOffset),
    modifiedMs: segment.modifiedMs,
  }))
  if ((segments.at(-1)?.size ?? 0) > 0) known.push({ offset: wanted.logEndOffset, modifiedMs: wanted.nowMs })
  const last =
    wanted.timestampMs === LATEST
      ? known.length - 1
      : wanted.timestampMs === EARLIEST
        ? 0
        : known.findLastIndex(({ modifiedMs }) => modifiedMs <= wanted.timestampMs)
  return known
    .slice(Math.max(0, last + 1 - Math.max(0, wanted.maxCount)), last + 1)
    .map(({ offset }) => offset)
    .reverse()
}
