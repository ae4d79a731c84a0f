/** The names of Kafka's files (`LogFileUtils`). */

export const LOG_SUFFIX = '.log'
export const OFFSET_INDEX_SUFFIX = '.index'
export const TIME_INDEX_SUFFIX = '.timeindex'
export const TRANSACTION_INDEX_SUFFIX = '.txnindex'
export const PRODUCER_SNAPSHOT_SUFFIX = '.snapshot'
/** Waits to be removed. */
export const DELETED_SUFFIX = '.deleted'
/** Written by a compaction that has not finished. */
export const CLEANED_SUFFIX = '.cleaned'
/** Written by a compaction that has, and about to replace what it compacted. */
export const SWAP_SUFFIX = '.swap'

export const LEADER_EPOCH_FILE = 'leader-epoch-checkpoint'
export const PARTITION_METADATA_FILE = 'partition.metadata'

/** Of a partition's directory that waits to be removed. */
export const DELETED_DIRECTORY_SUFFIX = '-delete'

const OFFSET_DIGITS = 20
const OFFSET_FILE = /^(\d{20})(\.(?:log|index|timeindex|txnindex|snapshot))(\.(?:deleted|cleaned|swap))?$/

/** `offset` in twenty digits, so that names sort as offsets do. */
export function offsetFileName(offset: number, suffix: string): string {
  return String(offset).padStart(OFFSET_DIGITS, '0') + suffix
}

export interface OffsetFile {
  readonly offset: number
  /** With the dot: `.log`, `.index` … */
  readonly kind: string
  /** `.deleted`, `.cleaned`, `.swap` or nothing. */
  readonly state: string
}

/** Undefined for any other name. */
export function parseOffsetFileName(name: string): OffsetFile | undefined {
  const match = OFFSET_FILE.exec(name)
  if (match === null) return undefined
  return { offset: Number(match[1]), kind: match[2] ?? '', state: match[3] ?? '' }
}
