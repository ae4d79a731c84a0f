/** The log cleaner of a broker, by its settings. */
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import type { Random } from './base/random.ts'
import type { BrokerSettings } from './config/broker-keys.ts'
import { CleanerLoops } from './logstore/compaction/cleaner-loops.ts'
import { type CleaningRunner, InProcessRunner } from './logstore/compaction/cleaning-runner.ts'
import { type CleanerConfig, type CleanerDirectory, LogCleaner } from './logstore/compaction/log-cleaner.ts'
import type { FileSystem } from './logstore/file-system.ts'

export interface BrokerCleanerOptions {
  readonly directories: () => Iterable<CleanerDirectory>
  /** As they are now. */
  readonly settings: () => BrokerSettings
  readonly fs: FileSystem
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Where the work is done; in slices between all else, unless given. */
  readonly createRunner?: () => CleaningRunner
}

export interface BrokerCleaner {
  readonly cleaner: LogCleaner
  /** Returns how to end it. */
  start(): () => Promise<void>
}

export function brokerCleaner(options: BrokerCleanerOptions): BrokerCleaner {
  const { clock, random, logger, directories, fs } = options
  const config = () => cleanerConfig(options.settings())
  const cleaner = new LogCleaner({ directories, config, clock, random, logger })
  const nextTurn = () => new Promise<void>((resolve) => clock.setTimer(0, resolve))
  const createRunner = options.createRunner ?? (() => new InProcessRunner(fs, nextTurn))
  return {
    cleaner,
    start: () => {
      if (!options.settings().logCleanerEnable) return async () => {}
      const loops = new CleanerLoops({ cleaner, config, createRunner, clock, logger })
      return () => loops.close()
    },
  }
}

function cleanerConfig(settings: BrokerSettings): CleanerConfig {
  return {
    threads: settings.logCleanerThreads,
    dedupeBufferBytes: settings.logCleanerDedupeBufferSize,
    mapLoadFactor: settings.logCleanerIoBufferLoadFactor,
    ioBufferBytes: settings.logCleanerIoBufferSize,
    maxBytesPerSecond: settings.logCleanerIoMaxBytesPerSecond,
    backoffMs: settings.logCleanerBackoffMs,
  }
}
