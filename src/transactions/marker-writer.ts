/**
 * Carries out what transaction machines decide: writes the markers of a transaction to all of its partitions, again
 * where that fails, and tells the machine when it is done. Kafka's `TransactionMarkerChannelManager`.
 */
import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { TransactionMarker } from '../cluster/transaction-marker.ts'
import { ErrorCode, errorName } from '../wire/error-codes.ts'
import type { TransactionCommand, TransactionReply, TransactionTask } from './commands.ts'
import { NO_PARTITIONS } from './transaction.ts'

export interface MarkerWriterOptions {
  /** Appends the marker and waits for its replication; the error code. */
  readonly write: (topic: string, partition: number, marker: TransactionMarker) => Promise<number>
  /** To the machine of a partition of `__transaction_state`. */
  readonly execute: (partition: number, command: TransactionCommand) => Promise<TransactionReply>
  readonly nextProducerId: () => Promise<number>
  readonly clock: Clock
  readonly logger: Logger
}

type MarkersTask = Extract<TransactionTask, { type: 'writeMarkers' }>

/** Twice as long after each failure. */
const RETRY_MS = 25
const MAX_RETRY_MS = 1000

/** The topic is gone, and the transaction's records with it. */
const GONE: ReadonlySet<number> = new Set([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID])
/** A later coordinator has written its own, which count. */
const OVERTAKEN: ReadonlySet<number> = new Set([
  ErrorCode.TRANSACTION_COORDINATOR_FENCED,
  ErrorCode.INVALID_PRODUCER_EPOCH,
])
/** Another broker coordinates, or the transaction has moved on: whoever does carries on. */
const NOT_OURS: ReadonlySet<number> = new Set([
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.INVALID_TXN_STATE,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  ErrorCode.PRODUCER_FENCED,
])

export class MarkerWriter {
  readonly #options: MarkerWriterOptions
  readonly #timers = new Set<Timer>()
  #closed = false

  constructor(options: MarkerWriterOptions) {
    this.#options = options
  }

  /** Begins; what fails is logged. In the form of the runtime's `perform`. */
  perform(task: TransactionTask, partition: number, leaderEpoch: number): void {
    this.#attempt(task, partition, leaderEpoch, 0)
  }

  #attempt(task: TransactionTask, partition: number, leaderEpoch: number, failures: number): void {
    const again = (rest: MarkersTask) =>
      this.#later(failures, () => this.#attempt(rest, partition, leaderEpoch, failures + 1))
    const done =
      task.type === 'writeMarkers'
        ? this.#writeAll(task, partition, leaderEpoch, failures, again)
        : this.#abort(task, partition)
    done.catch((error: unknown) => {
      const { transactionalId } = task
      this.#options.logger.error('transaction is not carried on', {
        transactionalId,
        task: task.type,
        err: error,
      })
      // An abort is asked for again by the next check of timeouts.
      if (task.type === 'writeMarkers') again(task)
    })
  }

  /** What is under way is left to the next start. */
  close(): void {
    this.#closed = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  async #writeAll(
    task: MarkersTask,
    coordinatorPartition: number,
    coordinatorEpoch: number,
    failures: number,
    again: (rest: MarkersTask) => void,
  ): Promise<void> {
    const { transactionalId, producerId, producerEpoch, result, clientVersion } = task
    const marker: TransactionMarker = {
      producerId,
      producerEpoch,
      coordinatorEpoch,
      result,
      transactionVersion: clientVersion,
    }
    const failed = new Map<string, Set<number>>()
    let overtaken = false
    const writes: Promise<void>[] = []
    for (const [topic, indexes] of task.partitions) {
      for (const index of indexes) {
        const write = this.#options.write(topic, index, marker).then((errorCode) => {
          if (errorCode === ErrorCode.NONE || GONE.has(errorCode)) return
          if (OVERTAKEN.has(errorCode)) overtaken = true
          failed.set(topic, (failed.get(topic) ?? new Set()).add(index))
          const fields = { transactionalId, topic, partition: index, error: errorName(errorCode) }
          // Once: a partition may be offline for long.
          if (failures === 0) this.#options.logger.warn('transaction marker not written', fields)
        })
        writes.push(write)
      }
    }
    await Promise.all(writes)
    if (overtaken || this.#closed) return
    if (failed.size > 0) {
      again({ ...task, partitions: failed })
      return
    }
    const done = { type: 'markersWritten', transactionalId, producerId, producerEpoch } as const
    const { errorCode } = await this.#options.execute(coordinatorPartition, done)
    if (errorCode === ErrorCode.NONE || NOT_OURS.has(errorCode)) return
    again({ ...task, partitions: NO_PARTITIONS })
  }

  async #abort(
    {
      transactionalId,
      producerId,
      producerEpoch,
    }: Extract<TransactionTask, { type: 'abortWithNewProducerId' }>,
    partition: number,
  ): Promise<void> {
    const newProducerId = await this.#options.nextProducerId()
    if (this.#closed) return
    // What is refused here is looked at again with the next check of timeouts.
    await this.#options.execute(partition, {
      type: 'abortTimedOut',
      transactionalId,
      producerId,
      producerEpoch,
      newProducerId,
    })
  }

  #later(failures: number, action: () => void): void {
    if (this.#closed) return
    const delayMs = Math.min(RETRY_MS * 2 ** failures, MAX_RETRY_MS)
    const timer = this.#options.clock.setTimer(delayMs, () => {
      this.#timers.delete(timer)
      action()
    })
    this.#timers.add(timer)
  }
}
