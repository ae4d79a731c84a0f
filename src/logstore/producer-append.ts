import { NO_PRODUCER_EPOCH, NO_SEQUENCE, type RecordBatch } from '../wire/batch.ts'
import { readEndTxnMarker } from '../wire/control-records.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { AppendRefused } from './log-errors.ts'
import type { ProducerEntry } from './producer-entry.ts'

/**
 * Where an append comes from, which decides what is checked: everything of a `client`; no sequences of a
 * `coordinator`; of `replication` (and recovery) nothing, because the leader has.
 */
export type AppendOrigin = 'client' | 'coordinator' | 'replication'

/** A transaction whose marker is about to be written. */
export interface CompletedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the marker. */
  readonly lastOffset: number
  readonly isAborted: boolean
}

const MAX_SEQUENCE = 2 ** 31 - 1

/**
 * The changes that one append makes to the state of one producer, checked as they are added (Kafka's
 * `ProducerAppendInfo`). `entry` is a copy: nothing happens to the partition's state until the append is written and
 * `ProducerStates.update` takes it.
 */
export class ProducerAppend {
  readonly entry: ProducerEntry
  readonly #topicPartition: string
  readonly #origin: AppendOrigin
  /** Before this append. */
  readonly #currentEpoch: number
  readonly #currentLastSequence: number
  /** First offsets of the transactions that it begins. */
  readonly startedTransactions: number[] = []

  constructor(topicPartition: string, current: ProducerEntry, origin: AppendOrigin) {
    this.#topicPartition = topicPartition
    this.#origin = origin
    this.#currentEpoch = current.producerEpoch
    this.#currentLastSequence = current.lastSequence
    this.entry = current.copy()
  }

  /**
   * Takes the batch, which is to be at `baseOffset`. Returns the transaction that it ends. Throws AppendRefused with
   * INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, TRANSACTION_COORDINATOR_FENCED or INVALID_TXN_STATE.
   * `timestamp` is the largest that the batch will have in the log.
   */
  append(
    batch: RecordBatch,
    baseOffset: number,
    timestamp = batch.maxTimestamp,
  ): CompletedTransaction | undefined {
    if (batch.isControl) return this.#appendMarker(batch, baseOffset, timestamp)
    this.#appendData(batch, baseOffset, timestamp)
    return undefined
  }

  #appendData(batch: RecordBatch, baseOffset: number, timestamp: number): void {
    const { producerEpoch, lastOffsetDelta } = batch
    this.#checkEpoch(producerEpoch, baseOffset)
    if (this.#origin === 'client') this.#checkSequence(producerEpoch, batch.baseSequence, baseOffset)
    const { entry } = this
    if (entry.currentTxnFirstOffset !== undefined && !batch.isTransactional)
      throw new AppendRefused(
        ErrorCode.INVALID_TXN_STATE,
        `Expected transactional write from producer ${entry.producerId} at offset ${baseOffset} in partition ${this.#topicPartition}`,
      )
    entry.addBatch(producerEpoch, {
      lastSequence: batch.lastSequence,
      lastOffset: baseOffset + lastOffsetDelta,
      offsetDelta: lastOffsetDelta,
      timestamp,
    })
    if (entry.currentTxnFirstOffset === undefined && batch.isTransactional) {
      entry.currentTxnFirstOffset = baseOffset
      this.startedTransactions.push(baseOffset)
    }
  }

  #appendMarker(batch: RecordBatch, offset: number, timestamp: number): CompletedTransaction | undefined {
    const marker = readEndTxnMarker(batch)
    // Of another kind, or its record was compacted away.
    if (marker === undefined) return undefined
    const { entry } = this
    this.#checkEpoch(batch.producerEpoch, offset)
    if (entry.coordinatorEpoch > marker.coordinatorEpoch && this.#origin !== 'replication')
      throw new AppendRefused(
        ErrorCode.TRANSACTION_COORDINATOR_FENCED,
        `Invalid coordinator epoch for producer ${entry.producerId} at offset ${offset} in partition ${this.#topicPartition}: ${marker.coordinatorEpoch} (zombie), ${entry.coordinatorEpoch} (current)`,
      )
    const firstOffset = entry.currentTxnFirstOffset
    entry.updateEpoch(batch.producerEpoch)
    entry.currentTxnFirstOffset = undefined
    entry.lastTimestamp = timestamp
    entry.coordinatorEpoch = marker.coordinatorEpoch
    entry.markers++
    if (firstOffset === undefined) return undefined
    return {
      producerId: entry.producerId,
      firstOffset,
      lastOffset: offset,
      isAborted: marker.type === 'ABORT',
    }
  }

  #checkEpoch(producerEpoch: number, offset: number): void {
    if (producerEpoch >= this.entry.producerEpoch || this.#origin === 'replication') return
    throw new AppendRefused(
      ErrorCode.INVALID_PRODUCER_EPOCH,
      `Epoch of producer ${this.entry.producerId} at offset ${offset} in ${this.#topicPartition} is ${producerEpoch}, which is smaller than the last seen epoch ${this.entry.producerEpoch}`,
    )
  }

  #checkSequence(producerEpoch: number, firstSequence: number, offset: number): void {
    const { entry } = this
    const where = `producer ${entry.producerId} at offset ${offset} in partition ${this.#topicPartition}`
    if (producerEpoch !== entry.producerEpoch) {
      // Of a producer that is new here (or was forgotten), any sequence may be the first.
      if (firstSequence === 0 || entry.producerEpoch === NO_PRODUCER_EPOCH) return
      throw new AppendRefused(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `Invalid sequence number for new epoch of ${where}: ${producerEpoch} (request epoch), ${firstSequence} (seq. number), ${entry.producerEpoch} (current producer epoch)`,
      )
    }
    const lastSequence = entry.isEmpty
      ? producerEpoch === this.#currentEpoch
        ? this.#currentLastSequence
        : NO_SEQUENCE
      : entry.lastSequence
    if (this.#currentEpoch === NO_PRODUCER_EPOCH || isNext(lastSequence, firstSequence)) return
    throw new AppendRefused(
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
      `Out of order sequence number for ${where}: ${firstSequence} (incoming seq. number), ${lastSequence} (current end sequence number)`,
    )
  }
}

function isNext(lastSequence: number, sequence: number): boolean {
  return sequence === lastSequence + 1 || (sequence === 0 && lastSequence === MAX_SEQUENCE)
}
