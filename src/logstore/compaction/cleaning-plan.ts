import type { AbortedTransaction } from '../transaction-index.ts'
import type { LastRecord } from './batch-filter.ts'

/** A segment as it is when a cleaning begins; it takes no more appends. */
export interface PlannedSegment {
  readonly baseOffset: number
  readonly size: number
}

/** All that a cleaning of one log has to know, in a form that a thread can be sent. */
export interface CleaningPlan {
  /** Of the partition. */
  readonly directory: string
  /** All that end at `firstUncleanableOffset` or below, by base offset. */
  readonly segments: readonly PlannedSegment[]
  readonly firstDirtyOffset: number
  /** Where a segment begins. */
  readonly firstUncleanableOffset: number
  readonly nowMs: number
  readonly deleteRetentionMs: number
  readonly segmentBytes: number
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
  /** Those that touch the segments. */
  readonly aborted: readonly AbortedTransaction[]
  readonly lastRecords: readonly LastRecord[]
  readonly memory: CleaningMemory
  /** 16 bytes of chance for the hash of keys. */
  readonly hashKey: Uint8Array
}

export interface CleaningMemory {
  /** Bound of the offset map (`log.cleaner.dedupe.buffer.size` over the threads). */
  readonly mapBytes: number
  /** How full the map may get (`log.cleaner.io.buffer.load.factor`). */
  readonly mapLoadFactor: number
  /** For reads and writes together (`log.cleaner.io.buffer.size` over the threads). */
  readonly ioBytes: number
}

const MAX_OFFSET_RANGE = 2 ** 31 - 1
/**
 * All segments of a group give way in one turn of the event loop, some ten microseconds each for its files. Kafka has no
 * such bound; what is left apart here the next cleaning joins.
 */
const MAX_GROUP_SEGMENTS = 200

/**
 * Joins neighbours that fit one segment by size, indexes and offsets (Kafka's `groupSegmentsBySize`): `segments` are
 * those to be cleaned, which may be fewer than the plan has. `indexBytes` gives the sizes of a segment's indexes.
 */
export function groupSegments(
  plan: Pick<CleaningPlan, 'firstUncleanableOffset' | 'segmentBytes' | 'segmentIndexBytes'>,
  segments: readonly PlannedSegment[],
  indexBytes: (segment: PlannedSegment) => { readonly offset: number; readonly time: number },
): PlannedSegment[][] {
  const groups: PlannedSegment[][] = []
  let group: PlannedSegment[] = []
  let size = 0
  let offsetIndex = 0
  let timeIndex = 0
  for (const [place, segment] of segments.entries()) {
    const indexes = indexBytes(segment)
    const lastOffset = (segments[place + 1]?.baseOffset ?? plan.firstUncleanableOffset) - 1
    const first = group[0]
    const fits =
      first !== undefined &&
      group.length < MAX_GROUP_SEGMENTS &&
      size + segment.size <= plan.segmentBytes &&
      offsetIndex + indexes.offset <= plan.segmentIndexBytes &&
      timeIndex + indexes.time <= plan.segmentIndexBytes &&
      // Without a record no offset of it is needed.
      (segment.size === 0 || lastOffset - first.baseOffset <= MAX_OFFSET_RANGE)
    if (!fits) {
      group = []
      groups.push(group)
      size = 0
      offsetIndex = 0
      timeIndex = 0
    }
    group.push(segment)
    size += segment.size
    offsetIndex += indexes.offset
    timeIndex += indexes.time
  }
  return groups
}
