/**
 * AddOffsetsToTxn, versions 0–4: the transaction will commit offsets of a group, so the group's partition of
 * `__consumer_offsets` is one of its partitions. v2: PRODUCER_FENCED, before that INVALID_PRODUCER_EPOCH.
 */
import { GROUP_METADATA_TOPIC } from '../cluster/topic-names.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { addOffsetsToTxnRequest, addOffsetsToTxnResponse } from '../wire/schemas/25-add-offsets-to-txn.ts'
import { handler } from './handler.ts'
import { CLASSIC, fencedAs } from './transaction-answers.ts'

export const addOffsetsToTxn = handler({
  request: addOffsetsToTxnRequest,
  response: addOffsetsToTxnResponse,
  minVersion: 0,
  maxVersion: 4,

  async handle(
    { apiVersion },
    { transactionalId, producerId, producerEpoch, groupId },
    { groups, transactions },
  ) {
    if (transactionalId === '') return { errorCode: ErrorCode.INVALID_REQUEST }
    const { errorCode } = await transactions.execute({
      type: 'addPartitions',
      transactionalId,
      producerId,
      producerEpoch,
      partitions: new Map([[GROUP_METADATA_TOPIC, new Set([groups.partitionOf(groupId)])]]),
      clientVersion: CLASSIC,
    })
    return { errorCode: fencedAs(errorCode, apiVersion) }
  },

  refuse: (_request, errorCode) => ({ errorCode }),
})
