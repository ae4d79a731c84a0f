import type { RecordBatch } from '../../wire/batch.ts'
import { ControlRecordType, decodeControlRecordKey } from '../../wire/control-records.ts'
import { RecordCursor } from '../../wire/record-reader.ts'
import type { AbortedTransaction, TransactionIndex } from '../transaction-index.ts'

/** A control batch holds one record of a few bytes. */
const MAX_CONTROL_BATCH_BYTES = 64 * 1024

interface OngoingAborted {
  readonly transaction: AbortedTransaction
  /** A batch of it is still there. */
  seen: boolean
}

/**
 * What a pass over a log knows of its transactions (Kafka's `CleanedTransactionMetadata`): the batches of an aborted one
 * go at once, a marker may go when no batch of its transaction was left in the log. Batches have to come in the order of
 * their offsets.
 */
export class CleanedTransactions {
  /** By first offset, the last one first. */
  readonly #aborted: AbortedTransaction[]
  readonly #ongoingAborted = new Map<number, OngoingAborted>()
  readonly #ongoingCommitted = new Set<number>()
  /** Where the aborted transactions are written that keep their marker. */
  index: TransactionIndex | undefined

  /** `aborted`: those that touch what is passed over. */
  constructor(aborted: Iterable<AbortedTransaction>) {
    this.#aborted = [...aborted].sort((a, b) => b.firstOffset - a.firstOffset)
  }

  /** Whether the batch, which is no control batch, may go: its transaction was aborted. */
  passBatch(batch: RecordBatch): boolean {
    this.#beginUpTo(batch.lastOffset)
    if (!batch.isTransactional) return false
    const aborted = this.#ongoingAborted.get(batch.producerId)
    if (aborted === undefined) {
      this.#ongoingCommitted.add(batch.producerId)
      return false
    }
    aborted.seen = true
    return true
  }

  /** Whether the control batch may go: nothing of its transaction was passed, or it is empty already. */
  passControlBatch(batch: RecordBatch): boolean {
    this.#beginUpTo(batch.lastOffset)
    const cursor = new RecordCursor(batch, MAX_CONTROL_BATCH_BYTES)
    if (!cursor.advance()) return true
    const { producerId } = batch
    switch (decodeControlRecordKey(cursor.key).type) {
      case ControlRecordType.ABORT: {
        const aborted = this.#ongoingAborted.get(producerId)
        this.#ongoingAborted.delete(producerId)
        if (aborted?.seen !== true) return true
        this.index?.append(aborted.transaction)
        return false
      }
      case ControlRecordType.COMMIT:
        return !this.#ongoingCommitted.delete(producerId)
      default:
        return false
    }
  }

  #beginUpTo(offset: number): void {
    for (;;) {
      const next = this.#aborted.at(-1)
      if (next === undefined || next.firstOffset > offset) return
      this.#aborted.pop()
      if (!this.#ongoingAborted.has(next.producerId))
        this.#ongoingAborted.set(next.producerId, { transaction: next, seen: false })
    }
  }
}
