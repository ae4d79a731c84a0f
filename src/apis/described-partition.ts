/** A partition as Metadata and DescribeTopicPartitions show it: Kafka's `KRaftMetadataCache`. */
import type { MetadataImage, PartitionImage } from '../cluster/metadata/image.ts'
import { ErrorCode } from '../wire/error-codes.ts'

export function describePartition(partition: PartitionImage, image: MetadataImage, listenerName: string) {
  return {
    errorCode: leaderError(partition, image, listenerName),
    partitionIndex: partition.partition,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: partition.replicas.filter((id) => image.brokers.get(id)?.fenced !== false),
  }
}

function leaderError({ leader }: PartitionImage, image: MetadataImage, listenerName: string): number {
  const broker = image.brokers.get(leader)
  if (broker === undefined || broker.fenced) return ErrorCode.LEADER_NOT_AVAILABLE
  return broker.listeners.some(({ name }) => name === listenerName)
    ? ErrorCode.NONE
    : ErrorCode.LISTENER_NOT_FOUND
}
