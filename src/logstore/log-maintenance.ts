import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { CheckpointKind } from './directory-checkpoints.ts'
import type { PartitionLog } from './partition-log.ts'

/** Kafka's intervals, by the keys they come from. */
export interface MaintenanceIntervals {
  /** `log.retention.check.interval.ms` */
  readonly retentionCheckMs: number
  /** `log.flush.scheduler.interval.ms` */
  readonly flushCheckMs: number
  /** `log.flush.offset.checkpoint.interval.ms` */
  readonly recoveryPointCheckpointMs: number
  /** `log.flush.start.offset.checkpoint.interval.ms` */
  readonly logStartOffsetCheckpointMs: number
  /** `replica.high.watermark.checkpoint.interval.ms` */
  readonly highWatermarkCheckpointMs: number
  /** `producer.id.expiration.check.interval.ms` */
  readonly producerExpirationCheckMs: number
}

export interface LogMaintenanceOptions {
  /** Of the log directory, for log lines. */
  readonly path: string
  /** Those that work, as they are now. */
  readonly logs: () => Iterable<PartitionLog>
  readonly checkpoint: (kind: CheckpointKind) => Promise<void>
  /** What a periodic task threw; the others go on unless this stops them. */
  readonly onError: (error: unknown) => void
  readonly clock: Clock
  readonly logger: Logger
}

/** After so long others get their turn. */
const SLICE_MS = 10

/** What is done to the logs of one directory from time to time (the tasks that Kafka's `LogManager` schedules). */
export class LogMaintenance {
  readonly #options: LogMaintenanceOptions
  readonly #timers = new Map<string, Timer>()
  #stopped = false

  constructor(options: LogMaintenanceOptions) {
    this.#options = options
  }

  /** Begins the periodic work; `stop` ends it. */
  start(intervals: MaintenanceIntervals): void {
    const { checkpoint } = this.#options
    this.#every('retention', intervals.retentionCheckMs, () => this.deleteOldSegments())
    this.#every('flush', intervals.flushCheckMs, () => this.#flushDirty())
    this.#every('recovery points', intervals.recoveryPointCheckpointMs, () => checkpoint('recoveryPoint'))
    this.#every('log starts', intervals.logStartOffsetCheckpointMs, () => checkpoint('logStartOffset'))
    this.#every('high watermarks', intervals.highWatermarkCheckpointMs, () => checkpoint('highWatermark'))
    this.#every('producers', intervals.producerExpirationCheckMs, () => this.#expireProducers())
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  /** Returns how many segments went. Logs that are compacted are the cleaner's to apply retention to, as in Kafka. */
  async deleteOldSegments(): Promise<number> {
    const nowMs = this.#options.clock.now()
    let deleted = 0
    await this.#each((log) => {
      if (!log.config.cleanupPolicy.includes('compact')) deleted += log.deleteOldSegments(nowMs)
    })
    if (deleted > 0) await this.#options.checkpoint('logStartOffset')
    return deleted
  }

  /** Flushes the logs that `flush.ms` is over for. */
  async #flushDirty(): Promise<void> {
    const nowMs = this.#options.clock.now()
    await this.#each((log) => {
      const isDirty = log.recoveryPoint < log.logEndOffset
      return isDirty && nowMs - log.lastFlushMs >= log.config.flushMs ? log.flush() : undefined
    })
  }

  async #expireProducers(): Promise<void> {
    const nowMs = this.#options.clock.now()
    await this.#each((log) => {
      log.expireProducers(nowMs)
    })
  }

  /** Others get their turn when a slice of time is over: there may be many thousands. */
  async #each(action: (log: PartitionLog) => Promise<void> | undefined | void): Promise<void> {
    const { clock, logs } = this.#options
    let sliceMs = clock.monotonicMs()
    for (const log of [...logs()]) {
      if (this.#stopped) return
      if (!log.isClosed) await action(log)
      if (clock.monotonicMs() - sliceMs < SLICE_MS) continue
      await new Promise<void>((resolve) => clock.setTimer(0, resolve))
      sliceMs = clock.monotonicMs()
    }
  }

  #every(what: string, intervalMs: number, action: () => unknown): void {
    const { path, clock, logger, onError } = this.#options
    const run = async (): Promise<void> => {
      try {
        await action()
      } catch (error) {
        logger.error('log maintenance failed', { what, directory: path, err: error })
        onError(error)
      }
      if (!this.#stopped) this.#every(what, intervalMs, action)
    }
    this.#timers.set(
      what,
      clock.setTimer(intervalMs, () => void run()),
    )
  }
}
