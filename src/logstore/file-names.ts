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
/** Of one that belongs to no partition there is, kept for whoever wants to look. */
export const STRAY_DIRECTORY_SUFFIX = '-stray'
/** Of a copy that is being made, to take the partition's place in another log directory. */
export const FUTURE_DIRECTORY_SUFFIX = '-future'

/** A topic, a `.`, 32 hex digits and the suffix must fit the 255 bytes of a file name. */
const MAX_DIRECTORY_NAME = 255
const PARTITION_DIRECTORY = /^(.+)-(\d+)$/
const FUTURE_DIRECTORY = /^(.+)-(\d+)\.[0-9a-f]{32}-future$/
const DELETED_DIRECTORY = /^.+\.[0-9a-f]{32}-delete$/

export interface PartitionDirectory {
  readonly kind: 'current' | 'future'
  readonly topic: string
  readonly partition: number
}

/** `topic-partition`, or a copy of that; undefined for any other name. */
export function parsePartitionDirectory(name: string): PartitionDirectory | undefined {
  const future = FUTURE_DIRECTORY.exec(name)
  const match = future ?? PARTITION_DIRECTORY.exec(name)
  if (match === null) return undefined
  return {
    kind: future === null ? 'current' : 'future',
    topic: match[1] ?? '',
    partition: Number(match[2]),
  }
}

export function isDeletedDirectory(name: string): boolean {
  return DELETED_DIRECTORY.test(name)
}

/** `hex` is 32 digits. The topic is cut where it does not fit, as Kafka does. */
export function uniqueDirectoryName(topic: string, partition: number, hex: string, suffix: string): string {
  const unique = `-${partition}.${hex}${suffix}`
  return topic.slice(0, MAX_DIRECTORY_NAME - unique.length) + unique
}

/** Whether a copy of this partition can be given a name that tells whose it is. */
export function canHaveFuture(topic: string, partition: number): boolean {
  return `${topic}-${partition}.`.length + 32 + FUTURE_DIRECTORY_SUFFIX.length <= MAX_DIRECTORY_NAME
}

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
