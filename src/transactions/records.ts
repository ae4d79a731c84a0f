import type { CoordinatorSerde } from '../cluster/coordinator/contract.ts'
import { NO_PRODUCER_EPOCH } from '../wire/batch.ts'
import { transactionLogKey } from '../wire/log-schemas/transaction-log-key.ts'
import { transactionLogValue } from '../wire/log-schemas/transaction-log-value.ts'
import {
  decodeRecordKey,
  decodeVersionPrefixed,
  encodeRecordKey,
  encodeVersionPrefixed,
  recordType,
} from '../wire/version-prefixed.ts'
import { WireError } from '../wire/wire-error.ts'
import {
  NO_PARTITIONS,
  TRANSACTION_STATES,
  type Transaction,
  type TransactionPartitions,
} from './transaction.ts'

/** What the log of a transaction coordinator holds: the latest of each transactional id, or null when it is forgotten. */
export interface TransactionRecord {
  readonly transactionalId: string
  readonly transaction: Transaction | null
}

/** Flexible, with the tagged fields of version 2 of the protocol. */
const VALUE_VERSION = 1

/** Kafka's format of `__transaction_state` (`TransactionLog`). */
export const transactionSerde: CoordinatorSerde<TransactionRecord> = {
  serialize({ transactionalId, transaction }) {
    const key = encodeRecordKey(transactionLogKey, { transactionalId })
    if (transaction === null) return { key, value: null }
    const value = encodeVersionPrefixed(transactionLogValue, VALUE_VERSION, {
      producerId: transaction.producerId,
      previousProducerId: transaction.previousProducerId,
      nextProducerId: transaction.nextProducerId,
      producerEpoch: transaction.producerEpoch,
      transactionTimeoutMs: transaction.timeoutMs,
      transactionStatus: TRANSACTION_STATES.indexOf(transaction.state),
      transactionPartitions:
        transaction.state === 'Empty'
          ? null
          : Array.from(transaction.partitions, ([topic, partitions]) => ({
              topic,
              partitionIds: [...partitions],
            })),
      transactionLastUpdateTimestampMs: transaction.lastUpdateTimeMs,
      transactionStartTimestampMs: transaction.startTimeMs,
      clientTransactionVersion: transaction.clientVersion,
    })
    return { key, value }
  },

  deserialize({ key, value }) {
    if (recordType(key) !== transactionLogKey.key) return undefined
    const { transactionalId } = decodeRecordKey(transactionLogKey, key)
    if (value === null) return { transactionalId, transaction: null }
    const body = decodeVersionPrefixed(transactionLogValue, value)
    const state = TRANSACTION_STATES[body.transactionStatus]
    if (state === undefined) {
      throw new WireError(`transaction ${transactionalId} has the unknown status ${body.transactionStatus}`)
    }
    const transaction: Transaction = {
      transactionalId,
      producerId: body.producerId,
      previousProducerId: body.previousProducerId,
      nextProducerId: body.nextProducerId,
      producerEpoch: body.producerEpoch,
      lastProducerEpoch: NO_PRODUCER_EPOCH,
      timeoutMs: body.transactionTimeoutMs,
      state,
      partitions: partitionsOf(body.transactionPartitions),
      startTimeMs: body.transactionStartTimestampMs,
      lastUpdateTimeMs: body.transactionLastUpdateTimestampMs,
      clientVersion: body.clientTransactionVersion,
    }
    return { transactionalId, transaction }
  },
}

function partitionsOf(
  topics: readonly { readonly topic: string; readonly partitionIds: readonly number[] }[] | null,
): TransactionPartitions {
  if (topics === null) return NO_PARTITIONS
  return new Map(topics.map(({ topic, partitionIds }) => [topic, new Set(partitionIds)]))
}
