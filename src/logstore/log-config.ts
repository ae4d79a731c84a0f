import type { TimestampType } from '../wire/batch.ts'
import type { CompressionType } from '../wire/compression.ts'

/** What one log needs to know: Kafka's topic configs of the same names (LogConfig), with one of ours at the end. */
export interface LogConfig {
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly segmentJitterMs: number
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
  readonly maxMessageBytes: number
  readonly messageTimestampType: TimestampType
  readonly messageTimestampBeforeMaxMs: number
  readonly messageTimestampAfterMaxMs: number
  /** Records after which an append waits for the device. */
  readonly flushMessages: number
  readonly flushMs: number
  /** -1 for no limit. */
  readonly retentionMs: number
  /** -1 for no limit. */
  readonly retentionBytes: number
  readonly fileDeleteDelayMs: number
  readonly cleanupPolicy: readonly ('delete' | 'compact')[]
  /** Share of a log that is to be uncompacted before it is compacted again. */
  readonly minCleanableDirtyRatio: number
  /** A record stays uncompacted for so long. */
  readonly minCompactionLagMs: number
  /** After so long it is to be compacted whatever the share. */
  readonly maxCompactionLagMs: number
  /** How long a tombstone outlives the first compaction that met it. */
  readonly deleteRetentionMs: number
  /**
   * Kept for DescribeConfigs' sake: preallocating serves spinning disks, and a log written without it is the same for
   * every reader.
   */
  readonly preallocate: boolean
  readonly compressionType: 'producer' | 'uncompressed' | Exclude<CompressionType, 'none'>
  /** On the codec's own scale; absent for its default. */
  readonly compressionLevel?: number
  /** Walk every record of every append, as Kafka does, not the batch header alone (`sluice.validate.records`). */
  readonly validateRecords: boolean
}

const DAY_MS = 86_400_000

/** Kafka's defaults. */
export const defaultLogConfig: LogConfig = {
  segmentBytes: 1_073_741_824,
  segmentMs: 7 * DAY_MS,
  segmentJitterMs: 0,
  segmentIndexBytes: 10_485_760,
  indexIntervalBytes: 4096,
  maxMessageBytes: 1_048_588,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampAfterMaxMs: 3_600_000,
  flushMessages: Number.MAX_SAFE_INTEGER,
  flushMs: Number.MAX_SAFE_INTEGER,
  retentionMs: 7 * DAY_MS,
  retentionBytes: -1,
  fileDeleteDelayMs: 60_000,
  cleanupPolicy: ['delete'],
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  deleteRetentionMs: DAY_MS,
  preallocate: false,
  compressionType: 'producer',
  validateRecords: false,
}
