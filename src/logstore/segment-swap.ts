import { invariant } from '../base/invariant.ts'
import type { CleanedSegment } from './compaction/log-cleaning.ts'
import {
  CLEANED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetFileName,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './file-names.ts'
import type { LogSegments } from './log-segments.ts'
import { LogSegment, type SegmentContext } from './segment.ts'

/** The log first: without it, what else is there under a `.swap` name is no segment. */
const SEGMENT_FILES = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX]

/**
 * Puts a cleaned segment in the place of others (Kafka's `LocalLog.replaceSegments`): `.cleaned` becomes `.swap`, what it
 * replaces is handed to `remove`, `.swap` goes. A start that finds any state between finishes it, or undoes it where the
 * first step was not complete. Returns the segments that are gone for good, whose base offset no segment has now.
 */
export function swapIn(
  context: SegmentContext,
  segments: LogSegments,
  cleaned: CleanedSegment,
  nowMs: number,
  remove: (segment: LogSegment) => void,
): LogSegment[] {
  const replaced = segments.all.filter(({ baseOffset }) => cleaned.replaced.includes(baseOffset))
  invariant(replaced.length === cleaned.replaced.length, `segments ${cleaned.replaced} to be replaced`)
  renameAll(context, cleaned.baseOffset, CLEANED_SUFFIX, SWAP_SUFFIX)
  segments.remove(replaced)
  segments.add(new LogSegment(context, cleaned.baseOffset, cleaned.size, nowMs))
  for (const segment of replaced) remove(segment)
  renameAll(context, cleaned.baseOffset, SWAP_SUFFIX, '')
  return replaced.filter(({ baseOffset }) => baseOffset !== cleaned.baseOffset)
}

function renameAll({ fs, directory }: SegmentContext, baseOffset: number, from: string, to: string): void {
  for (const suffix of SEGMENT_FILES) {
    const path = `${directory}/${offsetFileName(baseOffset, suffix)}`
    if (fs.exists(path + from)) fs.rename(path + from, path + to)
  }
}
