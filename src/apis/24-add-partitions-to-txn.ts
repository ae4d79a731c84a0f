/**
 * AddPartitionsToTxn, versions 0–5.
 *
 * - v2: PRODUCER_FENCED, which older clients know as INVALID_PRODUCER_EPOCH.
 * - v4: what brokers ask of the coordinator, for several transactions at once, perhaps to verify only; v5: on behalf of
 *   producers of version 2.
 *
 * All or nothing: where a partition does not exist, or is that of an internal topic and a client asks (v0–3), the others are answered with OPERATION_NOT_ATTEMPTED.
 */
import { isInternalTopic } from '../cluster/topic-names.ts'
import type { TransactionPartitions } from '../transactions/transaction.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponseInput,
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
} from '../wire/schemas/24-add-partitions-to-txn.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'
import { CLASSIC, EPOCH_BUMP, fencedAs, partitionsByTopic } from './transaction-answers.ts'

const FIRST_VERSION_OF_BROKERS = 4
const FIRST_VERSION_WITH_BUMP = 5

type TransactionToAdd = AddPartitionsToTxnRequest['transactions'][number]
type Topics = TransactionToAdd['topics']
type TopicResults = NonNullable<AddPartitionsToTxnResponseInput['resultsByTopicV3AndBelow']>
type ErrorOf = (topic: string, partition: number) => number

export const addPartitionsToTxn = handler({
  request: addPartitionsToTxnRequest,
  response: addPartitionsToTxnResponse,
  minVersion: 0,
  maxVersion: 5,

  async handle({ apiVersion, time }, request, services) {
    if (apiVersion < FIRST_VERSION_OF_BROKERS) {
      const errorOf = await add(apiVersion, singleOf(request), services)
      return { resultsByTopicV3AndBelow: results(request.v3AndBelowTopics, errorOf) }
    }
    const { slices } = services
    const resultsByTransaction = await slices.map(
      request.transactions,
      async (transaction) => ({
        transactionalId: transaction.transactionalId,
        topicResults: results(transaction.topics, await add(apiVersion, transaction, services)),
      }),
      slices.turn(),
      time,
    )
    return { resultsByTransaction }
  },

  refuse: (request, errorCode) => ({
    errorCode,
    resultsByTransaction: request.transactions.map(({ transactionalId, topics }) => ({
      transactionalId,
      topicResults: results(topics, () => errorCode),
    })),
    resultsByTopicV3AndBelow: results(request.v3AndBelowTopics, () => errorCode),
  }),
})

function singleOf(request: AddPartitionsToTxnRequest): TransactionToAdd {
  return {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
    verifyOnly: false,
    topics: request.v3AndBelowTopics,
  }
}

async function add(apiVersion: number, transaction: TransactionToAdd, services: Services): Promise<ErrorOf> {
  const { topics } = services.metadata.image()
  const fault = (topic: string, partition: number): number | undefined => {
    if (apiVersion < FIRST_VERSION_OF_BROKERS && isInternalTopic(topic))
      return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    const exists = topics.get(topic)?.partitions[partition] !== undefined
    return exists ? undefined : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  }
  const partitions = partitionsByTopic(transaction.topics)
  for (const [topic, indexes] of partitions) {
    for (const index of indexes) {
      if (fault(topic, index) === undefined) continue
      return (name, partition) => fault(name, partition) ?? ErrorCode.OPERATION_NOT_ATTEMPTED
    }
  }
  if (transaction.transactionalId === '') return () => ErrorCode.INVALID_REQUEST
  return transaction.verifyOnly
    ? verify(transaction, partitions, services)
    : register(apiVersion, transaction, partitions, services)
}

async function register(
  apiVersion: number,
  { transactionalId, producerId, producerEpoch }: TransactionToAdd,
  partitions: TransactionPartitions,
  { transactions }: Services,
): Promise<ErrorOf> {
  const { errorCode } = await transactions.execute({
    type: 'addPartitions',
    transactionalId,
    producerId,
    producerEpoch,
    partitions,
    clientVersion: apiVersion >= FIRST_VERSION_WITH_BUMP ? EPOCH_BUMP : CLASSIC,
  })
  return () => fencedAs(errorCode, apiVersion)
}

async function verify(
  { transactionalId, producerId, producerEpoch }: TransactionToAdd,
  partitions: TransactionPartitions,
  { transactions }: Services,
): Promise<ErrorOf> {
  const { errorCode, missing } = await transactions.execute({
    type: 'verifyPartitions',
    transactionalId,
    producerId,
    producerEpoch,
    partitions,
  })
  if (errorCode !== ErrorCode.NONE) return () => errorCode
  return (topic, partition) =>
    missing.get(topic)?.has(partition) === true ? ErrorCode.TRANSACTION_ABORTABLE : ErrorCode.NONE
}

function results(topics: Topics, errorOf: ErrorOf): TopicResults {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: errorOf(name, partitionIndex),
    })),
  }))
}
