/** A partition as Metadata and DescribeTopicPartitions show it: Kafka's `KRaftMetadataCache`. */
import { isInOfflineDirectory, type MetadataImage, type PartitionImage } from '../cluster/metadata/image.ts'
import { ErrorCode } from '../wire/error-codes.ts'

export function describePartition(partition: PartitionImage, image: MetadataImage, listenerName: string) {
  return {
    errorCode: leaderError(partition, image, listenerName),
    partitionIndex: partition.partition,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    // The last one stays in the ISR when its directory fails, to lead again: Kafka calls it an eligible leader.
    isrNodes: partition.isr.filter((id) => !isInOfflineDirectory(image, partition, id)),
    offlineReplicas: partition.replicas.filter(
      (id) => image.brokers.get(id)?.fenced !== false || isInOfflineDirectory(image, partition, id),
    ),
  }
}

/** In the ISR, but on a disk that its broker cannot use (KIP-966). */
export function eligibleLeaderReplicas(partition: PartitionImage, image: MetadataImage): number[] {
  return partition.isr.filter((id) => isInOfflineDirectory(image, partition, id))
}

function leaderError({ leader }: PartitionImage, image: MetadataImage, listenerName: string): number {
  const broker = image.brokers.get(leader)
  if (broker === undefined || broker.fenced) return ErrorCode.LEADER_NOT_AVAILABLE
  return broker.listeners.some(({ name }) => name === listenerName)
    ? ErrorCode.NONE
    : ErrorCode.LISTENER_NOT_FOUND
}
