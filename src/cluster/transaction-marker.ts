import { encodeEndTxnMarkerBatch } from '../wire/control-records.ts'

/** How the transaction of a producer ended, for a partition that it wrote to. */
export interface TransactionMarker {
  readonly producerId: number
  readonly producerEpoch: number
  /** Leader epoch of the partition of `__transaction_state` that decided. */
  readonly coordinatorEpoch: number
  readonly result: 'commit' | 'abort'
  /** That the transaction was in: from 2 on each end bumps the epoch. Not in the log. 0 unless given. */
  readonly transactionVersion?: number
}

/** The control batch that says so. */
export function encodeMarker({ result, ...marker }: TransactionMarker, nowMs: number): Buffer {
  const { producerId, producerEpoch, coordinatorEpoch } = marker
  return encodeEndTxnMarkerBatch({
    marker: { type: result === 'commit' ? 'COMMIT' : 'ABORT', coordinatorEpoch },
    producerId,
    producerEpoch,
    timestamp: nowMs,
  })
}
