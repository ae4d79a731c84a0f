/**
 * Whether a transaction may write to partitions: Kafka's `AddPartitionsToTxnManager`. A partition that the transaction
 * has written to already needs no asking; for others the coordinator is asked, so that no write can come when the
 * transaction has ended and hang there (KIP-890).
 */
import type { HostedPartition } from '../cluster/replicas/hosted-partition.ts'
import { NO_PARTITIONS } from '../transactions/transaction.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { Services } from './services.ts'
import { EPOCH_BUMP } from './transaction-answers.ts'

/**
 * - add: producers of version 2 add partitions by writing to them.
 * - verify: they have to be added already, else TRANSACTION_ABORTABLE, which older clients know as INVALID_TXN_STATE.
 */
export type Admission = 'add' | 'verify' | 'verify, without TRANSACTION_ABORTABLE'

export interface TransactionalProducer {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

/** The error code of a partition, as things are at the call: to be asked right before the write. */
export type Verdict = (partition: HostedPartition) => number

/** Undefined where nobody has to be asked. */
export function admit(
  producer: TransactionalProducer,
  partitions: readonly HostedPartition[],
  admission: Admission,
  services: Services,
): Promise<Verdict> | undefined {
  const { producerId, producerEpoch } = producer
  const isVerified = admission === 'add' || services.configs.broker.transactionPartitionVerificationEnable
  const unknown = isVerified
    ? partitions.filter(({ log }) => !log.producers.hasOngoingTransaction(producerId, producerEpoch))
    : []
  if (unknown.length === 0) return undefined
  if (producer.transactionalId === '') return Promise.resolve(() => ErrorCode.INVALID_REQUEST)
  return ask(
    producer,
    unknown.filter((partition) => !isFenced(partition, producer)),
    admission,
    services,
  )
}

/** Who comes after a later epoch needs no coordinator to be told so (Kafka's `UnifiedLog`). */
function isFenced(
  { log }: HostedPartition,
  { producerId, producerEpoch }: Pick<TransactionalProducer, 'producerId' | 'producerEpoch'>,
): boolean {
  const entry = log.producers.entries.get(producerId)
  return entry !== undefined && producerEpoch < entry.producerEpoch
}

async function ask(
  producer: TransactionalProducer,
  partitions: readonly HostedPartition[],
  admission: Admission,
  { transactions }: Services,
): Promise<Verdict> {
  const { producerId } = producer
  const markers = new Map(
    partitions.map((partition) => [partition, partition.log.producers.markersOf(producerId)]),
  )
  const byTopic = new Map<string, Set<number>>()
  for (const { topic, partition } of partitions) {
    byTopic.set(topic, (byTopic.get(topic) ?? new Set()).add(partition))
  }
  const { errorCode, missing } =
    byTopic.size === 0
      ? { errorCode: ErrorCode.NONE, missing: NO_PARTITIONS }
      : admission === 'add'
        ? {
            ...(await transactions.execute({
              type: 'addPartitions',
              ...producer,
              partitions: byTopic,
              clientVersion: EPOCH_BUMP,
            })),
            missing: NO_PARTITIONS,
          }
        : await transactions.execute({ type: 'verifyPartitions', ...producer, partitions: byTopic })
  return (partition) => {
    if (isFenced(partition, producer)) return ErrorCode.INVALID_PRODUCER_EPOCH
    const seen = markers.get(partition)
    if (seen === undefined) {
      // Nobody was asked about it, since the transaction was open there. It may have ended meanwhile.
      const isOpen = partition.log.producers.hasOngoingTransaction(producerId, producer.producerEpoch)
      return isOpen ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE
    }
    const isMissing = missing.get(partition.topic)?.has(partition.partition) === true
    const refused = isMissing ? ErrorCode.TRANSACTION_ABORTABLE : errorCode
    if (refused !== ErrorCode.NONE) return producersError(refused, admission)
    // The transaction ended while the coordinator was asked: nothing would ever end what is written now.
    return partition.log.producers.markersOf(producerId) === seen
      ? ErrorCode.NONE
      : ErrorCode.INVALID_TXN_STATE
  }
}

/** The coordinator's error in the form that a producer acts on rightly. */
function producersError(errorCode: number, admission: Admission): number {
  switch (errorCode) {
    case ErrorCode.PRODUCER_FENCED:
      return ErrorCode.INVALID_PRODUCER_EPOCH
    case ErrorCode.TRANSACTION_ABORTABLE:
      return admission === 'verify' ? errorCode : ErrorCode.INVALID_TXN_STATE
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      // Producers of version 2 retry it; others would not.
      return admission === 'add' ? errorCode : ErrorCode.NOT_ENOUGH_REPLICAS
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
    case ErrorCode.NETWORK_EXCEPTION:
      // Retried without asking for metadata, which would not help.
      return ErrorCode.NOT_ENOUGH_REPLICAS
    default:
      return errorCode
  }
}
