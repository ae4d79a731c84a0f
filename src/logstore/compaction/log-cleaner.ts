import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Random } from '../../base/random.ts'
import { isOutOfRoom } from '../log-errors.ts'
import type { PartitionLog } from '../partition-log.ts'
import { type Cleanable, cleanableOf } from './cleanable.ts'
import type { CleanerCheckpoint } from './cleaner-checkpoint.ts'
import type { CleaningMemory, CleaningPlan } from './cleaning-plan.ts'
import type { CleaningRunner } from './cleaning-runner.ts'
import { HASH_KEY_BYTES } from './key-hash.ts'
import type { CleaningResult } from './log-cleaning.ts'
import { Throttle } from './throttle.ts'

/** The keys `log.cleaner.*` as they are now; read anew for each round. */
export interface CleanerConfig {
  readonly threads: number
  readonly dedupeBufferBytes: number
  readonly mapLoadFactor: number
  readonly ioBufferBytes: number
  readonly maxBytesPerSecond: number
  readonly backoffMs: number
}

/** What the cleaner needs of a log directory. */
export interface CleanerDirectory {
  readonly logs: Iterable<PartitionLog>
  readonly cleanerCheckpoint: CleanerCheckpoint
  /** Resolves when all of the log below `offset` is on the device, and a start after a crash will know it. */
  secure(log: PartitionLog, offset: number): Promise<void>
}

export interface LogCleanerOptions {
  readonly directories: () => Iterable<CleanerDirectory>
  readonly config: () => CleanerConfig
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export interface CleanerStatus {
  /** Of the log that is dirtiest; 0 to 1. */
  readonly maxDirtyRatio: number
  /** When a log was looked for last, by the clock; 0 before the first time. */
  readonly lastRunMs: number
  readonly uncleanablePartitions: number
  readonly uncleanableBytes: number
  readonly bytesRead: number
  readonly bytesWritten: number
  readonly cleanings: Readonly<Record<CleaningOutcome, number>>
}

export type CleaningOutcome = 'cleaned' | 'aborted' | 'failed'

/** Kafka's key has no bound; a map of 2 GB is as large as it makes them. */
const MAX_MAP_BYTES = 2 ** 31 - 1

interface Chosen extends Cleanable {
  readonly directory: CleanerDirectory
}

/**
 * Chooses which log is compacted next and sees it through (Kafka's `LogCleaner` and `LogCleanerManager`). The work
 * itself is a runner's; here, under the log, only finished segments are swapped in. A log whose cleaning fails is left
 * alone until the next start, and counted; all others go on. One that the disk has no room for is tried again later.
 */
export class LogCleaner {
  readonly #options: LogCleanerOptions
  readonly #throttle: Throttle
  readonly #uncleanable = new Set<PartitionLog>()
  /** Directories of logs that are worked on, or were when their topic was deleted. */
  readonly #busy = new Set<string>()
  readonly #cleanings = { cleaned: 0, aborted: 0, failed: 0 }
  #maxDirtyRatio = 0
  #lastRunMs = 0
  #bytesRead = 0
  #bytesWritten = 0
  #stopping = false

  constructor(options: LogCleanerOptions) {
    this.#options = options
    this.#throttle = new Throttle(options.clock)
  }

  /** Reads the sizes of the logs that can't be cleaned. */
  status(): CleanerStatus {
    let uncleanableBytes = 0
    for (const log of this.#uncleanable) uncleanableBytes += log.size
    return {
      maxDirtyRatio: this.#maxDirtyRatio,
      lastRunMs: this.#lastRunMs,
      uncleanablePartitions: this.#uncleanable.size,
      uncleanableBytes,
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      cleanings: this.#cleanings,
    }
  }

  /** Cleanings under way give up at their next step, and none is begun. */
  stop(): void {
    this.#stopping = true
    this.#throttle.release()
  }

  /** One round: the dirtiest log is cleaned, then retention is applied to those with the policy. Whether one was cleaned. */
  async cleanOnce(runner: CleaningRunner): Promise<boolean> {
    this.#forgetGone()
    const chosen = this.#stopping ? undefined : this.#choose()
    if (chosen !== undefined && !(await this.#clean(chosen, runner))) return false
    this.#applyRetention()
    return chosen !== undefined
  }

  /** Kafka's `grabFilthiestCompactedLog`. */
  #choose(): Chosen | undefined {
    const nowMs = this.#options.clock.now()
    this.#lastRunMs = nowMs
    this.#maxDirtyRatio = 0
    let filthiest: Chosen | undefined
    for (const directory of this.#options.directories()) {
      for (const log of this.#compacted(directory)) {
        const cleanable = this.#measure(log, directory, nowMs)
        if (cleanable === undefined || cleanable.cleanBytes + cleanable.cleanableBytes === 0) continue
        this.#maxDirtyRatio = Math.max(this.#maxDirtyRatio, cleanable.ratio)
        const wanted =
          (cleanable.isOverdue && cleanable.cleanableBytes > 0) ||
          cleanable.ratio > log.config.minCleanableDirtyRatio
        if (wanted && (filthiest === undefined || cleanable.ratio > filthiest.ratio))
          filthiest = { ...cleanable, directory }
      }
    }
    return filthiest
  }

  #measure(log: PartitionLog, { cleanerCheckpoint }: CleanerDirectory, nowMs: number): Cleanable | undefined {
    try {
      const checkpoint = cleanerCheckpoint.get(log.topicPartition)
      const cleanable = cleanableOf(log, checkpoint, nowMs)
      if (cleanable.resetsCheckpoint) {
        // With retention the log's start moves past the checkpoint as a matter of course.
        if (!log.config.cleanupPolicy.includes('delete'))
          this.#options.logger.warn('the cleaner begins a log anew: its checkpoint is outside the log', {
            partition: log.topicPartition,
            checkpoint,
            logStartOffset: log.logStartOffset,
            logEndOffset: log.logEndOffset,
          })
        cleanerCheckpoint.set(log.topicPartition, cleanable.firstDirtyOffset)
      }
      return cleanable
    } catch (error) {
      this.#failed(log, error)
      return undefined
    }
  }

  /** False where it failed. */
  async #clean(chosen: Chosen, runner: CleaningRunner): Promise<boolean> {
    const { log } = chosen
    const claim = log.cleaning.take()
    if (claim === undefined) return true
    const place = log.directory
    this.#busy.add(place)
    const goesOn = () => claim.abortedBecause === undefined && !this.#stopping
    try {
      const result = await this.#run(chosen, runner, goesOn)
      if (result === undefined) {
        await runner.abort()
        this.#cleanings.aborted++
        this.#options.logger.debug('a cleaning was given up', {
          partition: log.topicPartition,
          reason: claim.abortedBecause ?? 'the broker is stopping',
        })
        return true
      }
      chosen.directory.cleanerCheckpoint.set(log.topicPartition, result.endOffset)
      this.#cleanings.cleaned++
      this.#options.logger.info('compacted a log', { partition: log.topicPartition, ...result })
      return true
    } catch (error) {
      // A log that is cut or deleted under its cleaning takes the files away from it.
      if (goesOn()) this.#failed(log, error)
      else this.#cleanings.aborted++
      await runner.abort().catch((err: unknown) => {
        this.#options.logger.warn('could not remove what a cleaning had begun; the next start will', {
          partition: log.topicPartition,
          err,
        })
      })
      return claim.abortedBecause !== undefined
    } finally {
      log.cleaning.end(claim)
      this.#busy.delete(place)
    }
  }

  /** Undefined where it was given up. */
  async #run(
    chosen: Chosen,
    runner: CleaningRunner,
    goesOn: () => boolean,
  ): Promise<CleaningResult | undefined> {
    const { log, directory } = chosen
    // A record may only go because of a later one that a crash can't take away.
    await directory.secure(log, chosen.firstUncleanableOffset)
    if (!goesOn()) return undefined
    await runner.begin(this.#plan(chosen))
    while (goesOn()) {
      const { maxBytesPerSecond } = this.#options.config()
      const step = await runner.step(this.#throttle.bytesPerStep(runner.stepBytes, maxBytesPerSecond))
      this.#bytesRead += step.bytesRead
      this.#bytesWritten += step.bytesWritten
      if (!goesOn()) return undefined
      if (step.state === 'done') return step.result
      if (step.state === 'cleaned') log.replaceSegments(step.segment)
      await this.#throttle.pass(step.bytesRead + step.bytesWritten, maxBytesPerSecond)
    }
    return undefined
  }

  #plan({ log, firstDirtyOffset, firstUncleanableOffset }: Chosen): CleaningPlan {
    const { clock, random } = this.#options
    const { config, segments } = log
    const toClean = segments.all.filter(({ baseOffset }) => baseOffset < firstUncleanableOffset)
    const from = toClean[0]?.baseOffset ?? 0
    return {
      directory: log.directory,
      segments: toClean.map(({ baseOffset, size }) => ({ baseOffset, size })),
      firstDirtyOffset,
      firstUncleanableOffset,
      nowMs: clock.now(),
      deleteRetentionMs: config.deleteRetentionMs,
      segmentBytes: config.segmentBytes,
      segmentIndexBytes: config.segmentIndexBytes,
      indexIntervalBytes: config.indexIntervalBytes,
      aborted: log.abortedTransactions(from, firstUncleanableOffset),
      lastRecords: Array.from(log.producers.entries.values(), (entry) => ({
        producerId: entry.producerId,
        lastDataOffset: entry.lastDataOffset,
        producerEpoch: entry.producerEpoch,
      })),
      memory: this.#memory(),
      hashKey: random.bytes(HASH_KEY_BYTES),
    }
  }

  #memory(): CleaningMemory {
    const { threads, dedupeBufferBytes, mapLoadFactor, ioBufferBytes } = this.#options.config()
    const sharers = Math.max(1, threads)
    return {
      mapBytes: Math.min(MAX_MAP_BYTES, Math.floor(dedupeBufferBytes / sharers)),
      mapLoadFactor,
      ioBytes: Math.floor(ioBufferBytes / sharers),
    }
  }

  /** Logs that are compacted get their retention here, where nothing is being swapped (Kafka's `deletableLogs`). */
  #applyRetention(): void {
    const nowMs = this.#options.clock.now()
    for (const directory of this.#options.directories()) {
      for (const log of this.#compacted(directory)) {
        try {
          log.deleteOldSegments(nowMs)
        } catch (error) {
          this.#failed(log, error)
        }
      }
    }
  }

  /** Those that nobody works on. */
  *#compacted({ logs }: CleanerDirectory): Generator<PartitionLog, void, undefined> {
    for (const log of logs) {
      if (log.failure !== undefined || !log.config.cleanupPolicy.includes('compact')) continue
      if (log.cleaning.isTaken || this.#busy.has(log.directory) || this.#uncleanable.has(log)) continue
      yield log
    }
  }

  #failed(log: PartitionLog, error: unknown): void {
    this.#cleanings.failed++
    if (isOutOfRoom(error)) {
      this.#options.logger.warn('no room to compact a log; it is tried again', {
        partition: log.topicPartition,
        err: error,
      })
      return
    }
    this.#uncleanable.add(log)
    this.#options.logger.error('a log is not compacted any more until the next start', {
      partition: log.topicPartition,
      err: error,
    })
  }

  #forgetGone(): void {
    if (this.#uncleanable.size === 0) return
    const open = new Set<PartitionLog>()
    for (const { logs } of this.#options.directories()) for (const log of logs) open.add(log)
    for (const log of this.#uncleanable) if (!open.has(log)) this.#uncleanable.delete(log)
  }
}
