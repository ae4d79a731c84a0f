/**
 * Moves replicas from one log directory to another: Kafka's `ReplicaManager.alterReplicaLogDirs` with its
 * `ReplicaAlterLogDirsThread`. A copy of the log is made step by step while the log is used; once it has all of it, it
 * takes its place between two requests. A move that a stop or a kill interrupts goes on after the next start.
 */
import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { UNDEFINED_EPOCH_OFFSET } from '../../logstore/leader-epochs.ts'
import type { LogConfig } from '../../logstore/log-config.ts'
import type { LogDirectories } from '../../logstore/log-directories.ts'
import type { LogDirectory } from '../../logstore/log-directory.ts'
import type { PartitionLog } from '../../logstore/partition-log.ts'
import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import type { Placement } from '../controller/directories.ts'
import type { HostedPartition } from './hosted-partition.ts'
import type { LogMoveListener } from './partition-host.ts'

export interface LogMovesOptions {
  readonly logs: LogDirectories
  readonly clock: Clock
  readonly logger: Logger
  /** `replica.alter.log.dirs.io.max.bytes.per.second`; read at each step. */
  readonly maxBytesPerSecond: () => number
  /** A replica has got another place. */
  readonly placed: (placements: readonly Placement[]) => void
}

/** One step reads and writes no more, or one batch (`replica.fetch.max.bytes`). */
const STEP_BYTES = 1024 * 1024

/** Of a step that found nothing to do. */
const IDLE = -1
const IDLE_PAUSE_MS = 100

interface Move {
  readonly partition: HostedPartition
  readonly directory: LogDirectory
  readonly future: PartitionLog
  /** Up to where the log was compacted when the copy was begun; what was compacted later it may have as it was before. */
  readonly cleanOffset: number
  /** The copy was on the device when it first had all of the log; what came since is as durable as in the log. */
  flushed: boolean
}

export class LogMoves implements LogMoveListener {
  readonly #options: LogMovesOptions
  readonly #moves = new Map<HostedPartition, Move>()
  #working: Promise<void> | undefined
  /** Ends the pause between two steps. */
  #wake: (() => void) | undefined
  #closed = false

  constructor(options: LogMovesOptions) {
    this.#options = options
  }

  /** How many are under way. */
  get count(): number {
    return this.#moves.size
  }

  /** Where the partition is being moved to; undefined while it is not. */
  destinationOf(partition: HostedPartition): LogDirectory | undefined {
    return this.#moves.get(partition)?.directory
  }

  /**
   * Begins to move the replica, or gives up a move elsewhere; nothing is left to do where it is there. Throws KafkaError
   * KAFKA_STORAGE_ERROR while any directory is offline: the copy might be in that one.
   */
  move(partition: HostedPartition, directory: LogDirectory): void {
    const { logs } = this.#options
    const { topic, topicId, partition: index, log } = partition
    if (this.#moves.get(partition)?.directory === directory) return
    this.#cancel(partition)
    const source = logs.directoryOf(topic, index)
    if (source === directory) return
    if (logs.offlineCount > 0)
      throw new KafkaError(
        ErrorCode.KAFKA_STORAGE_ERROR,
        'a log directory is offline, which may hold the copy',
      )
    const future = logs.createFuture(directory, { topic, topicId, partition: index }, log.config)
    const cleanOffset = source?.cleanerCheckpoint.get(log.topicPartition) ?? 0
    this.#begin({ partition, directory, future, cleanOffset, flushed: false })
  }

  opened(partition: HostedPartition, config: LogConfig): void {
    const { topic, topicId, partition: index } = partition
    try {
      const found = this.#options.logs.resumeFuture({ topic, topicId, partition: index }, config)
      if (found === undefined) return
      this.#begin({
        partition,
        directory: found.directory,
        future: found.log,
        cleanOffset: 0,
        flushed: false,
      })
    } catch (err) {
      this.#options.logger.error('a move between log directories cannot go on', {
        topic,
        partition: index,
        err,
      })
    }
  }

  deleting(partition: HostedPartition): void {
    this.#cancel(partition)
  }

  configured(partition: HostedPartition, config: LogConfig): void {
    this.#moves.get(partition)?.future.updateConfig(config)
  }

  /** What was being copied from or to the directory stays as it is. */
  directoryFailed(directory: LogDirectory): void {
    for (const [partition, move] of this.#moves) {
      const isSource = directory.get(partition.topic, partition.partition) === partition.log
      if (move.directory === directory || isSource) this.#moves.delete(partition)
    }
  }

  /** Waits for the step under way; the copies are closed by their directories. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    this.#moves.clear()
    this.#wake?.()
    await this.#working
  }

  #begin(move: Move): void {
    if (this.#closed) return
    const { topic, partition } = move.partition
    this.#options.logger.info('a partition moves to another log directory', {
      topic,
      partition,
      directory: move.directory.path,
    })
    this.#moves.set(move.partition, move)
    this.#working ??= this.#work()
  }

  #cancel(partition: HostedPartition): void {
    const move = this.#moves.get(partition)
    if (move === undefined) return
    this.#moves.delete(partition)
    try {
      this.#options.logs.delete([move.future])
    } catch (err) {
      this.#options.logger.error('the copy of a move that was given up is left behind', {
        topic: partition.topic,
        partition: partition.partition,
        err,
      })
    }
  }

  /** A step of each move in turn, for as long as there are any. Never rejects. */
  async #work(): Promise<void> {
    while (this.#moves.size > 0) {
      for (const move of [...this.#moves.values()]) {
        if (!this.#isCurrent(move)) continue
        let bytes = IDLE
        try {
          bytes = await this.#step(move)
        } catch (err) {
          this.#stepFailed(move, err)
        }
        const delayMs = bytes === IDLE ? IDLE_PAUSE_MS : (bytes * 1000) / this.#options.maxBytesPerSecond()
        await this.#pause(delayMs)
      }
    }
    this.#working = undefined
  }

  /** Returns how many bytes were copied; IDLE where there was nothing to do and the move is not at its end. */
  async #step(move: Move): Promise<number> {
    const { partition, future } = move
    const source = partition.log
    alignStart(future, source)
    const bytes = future.logEndOffset < source.logEndOffset ? await this.#copy(move, source) : 0
    if (!this.#isCurrent(move)) return bytes
    if (future.logEndOffset !== source.logEndOffset) return bytes === 0 ? IDLE : bytes
    if (!move.flushed || future.recoveryPoint < source.recoveryPoint) {
      await future.flush()
      move.flushed = true
    } else this.#finish(move, source)
    return bytes
  }

  async #copy(move: Move, source: PartitionLog): Promise<number> {
    const { future } = move
    const from = future.logEndOffset
    // Once the copy is this far, waiting for the disk would let a busy log run ahead for ever.
    const read = move.flushed
      ? source.readNow(from, STEP_BYTES)
      : await source.read(from, STEP_BYTES, source.logEndOffset, true)
    if (!this.#isCurrent(move) || read.size === 0) return 0
    future.appendAsFollower(Buffer.concat(read.buffers))
    alignStart(future, source)
    return read.size
  }

  /** Nothing may be awaited from the comparison of the two logs on. */
  #finish(move: Move, source: PartitionLog): void {
    const { logs, logger, placed } = this.#options
    const { partition, directory, future } = move
    const { topic, topicId, partition: index } = partition
    // What producers were told is on the device may be in the copy's page cache, which is little by now.
    if (future.durableOffset < source.durableOffset) future.flushRecordsNow()
    this.#moves.delete(partition)
    const log = logs.replace(
      source,
      future,
      directory,
      { topic, topicId, partition: index },
      move.cleanOffset,
    )
    log.takeStateOf(source)
    partition.replaceLog(log)
    placed([{ topic, topicId, partition: index, directoryId: directory.id }])
    logger.info('a partition has moved to another log directory', {
      topic,
      partition: index,
      directory: directory.path,
      bytes: log.size,
    })
  }

  #stepFailed(move: Move, err: unknown): void {
    // What retention or a request cut off under the copy is looked at anew by the next step.
    if (err instanceof KafkaError && err.code === ErrorCode.OFFSET_OUT_OF_RANGE) return
    this.#moves.delete(move.partition)
    const { topic, partition } = move.partition
    this.#options.logger.error('a move between log directories stands still until the next start', {
      topic,
      partition,
      directory: move.directory.path,
      err,
    })
  }

  #isCurrent(move: Move): boolean {
    return this.#moves.get(move.partition) === move
  }

  /** Lets requests in between two steps, and keeps to the bound on bytes. */
  #pause(delayMs: number): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      let timer: Timer | undefined
      const end = (): void => {
        timer?.cancel()
        this.#wake = undefined
        resolve()
      }
      this.#wake = end
      timer = this.#options.clock.setTimer(delayMs, end)
    })
  }
}

/** The copy holds no more than the log does, nor what the log has given up. */
function alignStart(future: PartitionLog, source: PartitionLog): void {
  // Where the log was cut meanwhile, its epochs tell how far the two are alike (KIP-101).
  const { endOffset } = source.endOffsetForEpoch(future.latestEpoch())
  const common = endOffset === UNDEFINED_EPOCH_OFFSET ? source.logEndOffset : endOffset
  if (future.logEndOffset > common) future.truncateTo(common)
  if (future.logEndOffset < source.logStartOffset) future.truncateFullyAndStartAt(source.logStartOffset)
  future.updateHighWatermark(Math.min(source.highWatermark, future.logEndOffset))
  future.incrementLogStartOffset(Math.min(source.logStartOffset, future.highWatermark))
}
