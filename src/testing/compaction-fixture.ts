import { silentLogger } from '../base/logger.ts'
import { InProcessRunner } from '../logstore/compaction/cleaning-runner.ts'
import { type CleanerConfig, LogCleaner } from '../logstore/compaction/log-cleaner.ts'
import type { FileSystem } from '../logstore/file-system.ts'
import { defaultLogConfig, type LogConfig } from '../logstore/log-config.ts'
import { LogDirectory } from '../logstore/log-directory.ts'
import type { PartitionLog } from '../logstore/partition-log.ts'
import { RecordBatch } from '../wire/batch.ts'
import { type LogRecord, readRecords } from '../wire/record-reader.ts'
import type { ManualClock } from './manual-clock.ts'
import { SeededRandom } from './seeded-random.ts'

export const cleanerConfig: CleanerConfig = {
  threads: 1,
  dedupeBufferBytes: 64 * 1024,
  mapLoadFactor: 0.9,
  ioBufferBytes: 16 * 1024,
  maxBytesPerSecond: Number.MAX_VALUE,
  backoffMs: 15_000,
}

export const compactedLogConfig: LogConfig = {
  ...defaultLogConfig,
  cleanupPolicy: ['compact'],
  minCleanableDirtyRatio: 0,
  segmentBytes: 1000,
  indexIntervalBytes: 150,
  fileDeleteDelayMs: 0,
}

export interface CompactionFixture {
  readonly directory: LogDirectory
  readonly log: PartitionLog
  readonly cleaner: LogCleaner
  readonly runner: InProcessRunner
  /** Rounds until there is nothing left to clean. Returns how many cleaned something. */
  clean(): Promise<number>
}

/** A compacted log in a directory of its own, with the cleaner driven by hand. */
export function compactionFixture(
  fs: FileSystem,
  clock: ManualClock,
  config: Partial<LogConfig> = {},
  cleanerOverrides: Partial<CleanerConfig> = {},
  path = '/data',
): CompactionFixture {
  const directory = LogDirectory.open({
    fs,
    path,
    clock,
    random: new SeededRandom(7),
    logger: silentLogger,
  })
  const identity = { topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition: 0 }
  const log = directory.openOrCreate(identity, { ...compactedLogConfig, ...config })
  const cleaner = new LogCleaner({
    directories: () => [directory],
    config: () => ({ ...cleanerConfig, ...cleanerOverrides }),
    clock,
    random: new SeededRandom(8),
    logger: silentLogger,
  })
  const runner = new InProcessRunner(fs, async () => {})
  const clean = async (): Promise<number> => {
    let cleaned = 0
    while (await cleaner.cleanOnce(runner)) {
      cleaned++
      if (cleaned > 1000) throw new Error('the cleaner finds no end')
    }
    return cleaned
  }
  return { directory, log, cleaner, runner, clean }
}

/** A batch as the log has it. */
export interface StoredBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly codec: number
  readonly isControl: boolean
  readonly deleteHorizonMs: number | undefined
  readonly records: readonly LogRecord[]
}

/** Every batch from the start to the end of the log. */
export async function storedBatches(log: PartitionLog): Promise<StoredBatch[]> {
  const batches: StoredBatch[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset; ) {
    const read = await log.read(offset, 4000, log.logEndOffset, true)
    for (const buffer of read.buffers) {
      for (let at = 0; at < buffer.length; ) {
        const batch = new RecordBatch(buffer, at)
        if (!batch.crcIsRight()) throw new Error(`wrong CRC in the batch at ${batch.baseOffset}`)
        batches.push(stored(batch))
        at = batch.end
      }
    }
    if (read.nextOffset <= offset) break
    offset = read.nextOffset
  }
  return batches
}

function stored(batch: RecordBatch): StoredBatch {
  return {
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    codec: batch.compressionCodec,
    isControl: batch.isControl,
    deleteHorizonMs: batch.hasDeleteHorizon ? batch.baseTimestamp : undefined,
    records: [...readRecords(batch, 1_000_000)],
  }
}
