/** Markers that end a transaction in a partition which this broker leads: Kafka's `KafkaApis.handleWriteTxnMarkersRequest`. */
import type { Clock } from '../../base/clock.ts'
import type { PartitionLog } from '../../logstore/partition-log.ts'
import { KafkaError } from '../../wire/error-codes.ts'
import { encodeMarker, type TransactionMarker } from '../transaction-marker.ts'
import type { HostedPartition } from './hosted-partition.ts'
import { waitForReplication } from './replication-wait.ts'

const FIRST_VERSION_WITH_BUMP = 2
/** No marker can be above it, so that one in it is let through, as in Kafka. */
const MAX_EPOCH = 32767

/**
 * In version 2 of the protocol a marker's epoch is above that of the transaction's records: one that has the epoch of
 * an open transaction is late, and would end the wrong one (`ProducerAppendInfo.checkProducerEpoch`).
 */
export function isOfAnEarlierTransaction(
  { producerId, producerEpoch, transactionVersion = 0 }: TransactionMarker,
  log: Pick<PartitionLog, 'producers'> | undefined,
): boolean {
  return (
    transactionVersion >= FIRST_VERSION_WITH_BUMP &&
    producerEpoch < MAX_EPOCH &&
    log?.producers.hasOngoingTransaction(producerId, producerEpoch) === true
  )
}

/** The error code of the append and its replication. Rejects only for a bug. */
export async function writeMarker(
  partition: HostedPartition,
  marker: TransactionMarker,
  clock: Clock,
  timeoutMs: number,
): Promise<number> {
  try {
    const { lastOffset } = partition.append(encodeMarker(marker, clock.now()), {
      origin: 'coordinator',
      acksAll: true,
    })
    await waitForReplication([{ partition, lastOffset }], timeoutMs, clock)
    return partition.replicationError(lastOffset)
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
}
