import type { BufferPool } from '../base/buffer-pool.ts'
import type { Clock } from '../base/clock.ts'
import type { Bytes } from '../base/file-slice.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { FileSystem } from './file-system.ts'
import type { JoinedSync } from './joined-sync.ts'
import type { LogConfig } from './log-config.ts'
import type { LogStorageError } from './log-errors.ts'
import type { OpenFiles } from './open-files.ts'
import type { ReadAheads } from './read-ahead.ts'
import type { TailCacheBudget } from './tail-cache.ts'

export interface PartitionLogOptions {
  readonly fs: FileSystem
  /** Of this partition; made where missing. */
  readonly directory: string
  readonly topic: string
  readonly partition: number
  readonly config: LogConfig
  readonly clock: Clock
  readonly random: Random
  readonly logger?: Logger
  /** Shared by the logs of a broker; without it each log bounds its own. */
  readonly openFiles?: OpenFiles
  /** Shared by the logs whose directories lie beside this one's. */
  readonly parentSync?: JoinedSync
  /** Shared by the logs of a broker; without it nothing is kept in memory. */
  readonly tailCacheBudget?: TailCacheBudget
  /** Where what is read gets its memory. Whoever is done with a slice of a read may give it back there. */
  readonly buffers?: BufferPool
  /** Shared by the logs of a directory; without it nothing is read from the disk before it is asked for. */
  readonly readAheads?: ReadAheads
  /** `producer.id.expiration.ms`; a day unless given. */
  readonly producerIdExpirationMs?: number
  /** Below it nothing is checked; 0, everything, unless given. */
  readonly recoveryPoint?: number
  readonly logStartOffset?: number
  /** Up to where it is compacted; nowhere unless given. */
  readonly cleanOffset?: number
  readonly highWatermark?: number
  readonly hadCleanShutdown?: boolean
  /**
   * The disk failed: in a way that leaves memory and disk apart, after which the log takes no more calls, or in one that
   * says that the device is gone.
   */
  readonly onFailure?: (error: LogStorageError) => void
  /** Why no log of the directory is used any more; undefined while they are. */
  readonly directoryFailure?: () => Error | undefined
  /** The log is about to be cut to `offset`; a recovery point above it must not stay on disk. */
  readonly beforeTruncation?: (offset: number) => void
}

export interface LogAppendInfo {
  /** -1 where there was nothing to append. */
  readonly firstOffset: number
  readonly lastOffset: number
  /** -1 for CreateTime. Of a duplicate, the largest timestamp of the batch. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** The producer had sent it before: the offsets are those of the first time, and nothing was written. */
  readonly duplicate: boolean
  readonly sizeInBytes: number
  /**
   * Resolves when it is on the device, where `flush.messages` wants that before anybody is told; rejects with
   * LogStorageError. Undefined where there is nothing to wait for.
   */
  readonly flushed: Promise<void> | undefined
}

/** In memory, unless it was read to be sent. */
export interface LogReadResult<P extends Bytes = Buffer> {
  /** Whole batches. They are what is stored: not to be changed. */
  readonly buffers: readonly P[]
  readonly size: number
  /** After the last batch, or where the next one begins; the start where there is none. */
  readonly nextOffset: number
}

export interface AppendAsLeaderOptions {
  readonly leaderEpoch: number
  readonly origin: 'client' | 'coordinator'
}
