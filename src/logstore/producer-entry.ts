import { decrementSequence, NO_PRODUCER_EPOCH, NO_SEQUENCE } from '../wire/batch.ts'

/** Clients have at most five requests in flight, so that a duplicate is one of the last five batches. */
export const MAX_CACHED_BATCHES = 5

/** A batch that a producer has appended. */
export interface ProducerBatch {
  readonly lastSequence: number
  readonly lastOffset: number
  readonly offsetDelta: number
  /** The batch's largest timestamp. */
  readonly timestamp: number
}

export const firstSequenceOf = (batch: ProducerBatch): number =>
  decrementSequence(batch.lastSequence, batch.offsetDelta)
export const firstOffsetOf = (batch: ProducerBatch): number => batch.lastOffset - batch.offsetDelta

/** What a partition knows of one producer (Kafka's `ProducerStateEntry`). */
export class ProducerEntry {
  readonly producerId: number
  producerEpoch = NO_PRODUCER_EPOCH
  /** Of the coordinator that wrote the last marker; -1 before any. */
  coordinatorEpoch = -1
  lastTimestamp = -1
  /** Undefined while it has no transaction here. */
  currentTxnFirstOffset: number | undefined
  /** How many markers came while the log was open: one that came meanwhile ends what was about to begin. */
  markers = 0
  /** Of the current epoch, oldest first. */
  batches: readonly ProducerBatch[] = []

  constructor(producerId: number) {
    this.producerId = producerId
  }

  get isEmpty(): boolean {
    return this.batches.length === 0
  }
  get lastSequence(): number {
    return this.batches.at(-1)?.lastSequence ?? NO_SEQUENCE
  }
  get lastDataOffset(): number {
    return this.batches.at(-1)?.lastOffset ?? -1
  }
  get lastOffsetDelta(): number {
    return this.batches.at(-1)?.offsetDelta ?? 0
  }

  copy(): ProducerEntry {
    const copy = new ProducerEntry(this.producerId)
    copy.producerEpoch = this.producerEpoch
    copy.coordinatorEpoch = this.coordinatorEpoch
    copy.lastTimestamp = this.lastTimestamp
    copy.currentTxnFirstOffset = this.currentTxnFirstOffset
    copy.batches = this.batches
    copy.markers = this.markers
    return copy
  }

  /** The batch of the same epoch with exactly these sequences, of the last five. */
  findDuplicate(
    producerEpoch: number,
    firstSequence: number,
    lastSequence: number,
  ): ProducerBatch | undefined {
    if (producerEpoch !== this.producerEpoch) return undefined
    return this.batches.find(
      (batch) => batch.lastSequence === lastSequence && firstSequenceOf(batch) === firstSequence,
    )
  }

  addBatch(producerEpoch: number, batch: ProducerBatch): void {
    this.updateEpoch(producerEpoch)
    this.batches = [...this.batches.slice(1 - MAX_CACHED_BATCHES), batch]
    this.lastTimestamp = batch.timestamp
  }

  /** A new epoch counts its sequences anew. */
  updateEpoch(producerEpoch: number): void {
    if (producerEpoch === this.producerEpoch) return
    this.producerEpoch = producerEpoch
    this.batches = []
  }
}
