/**
 * What follows from where replicas are and which log directories brokers can use (KIP-858): after Kafka's
 * `ReplicationControlManager.handleDirectoriesOffline` and `handleAssignReplicasToDirs`.
 */
import type { MetadataChange } from '../metadata/changes.ts'
import {
  isInOfflineDirectory,
  type MetadataImage,
  NO_LEADER,
  type PartitionImage,
  withDirectory,
  withLeader,
} from '../metadata/image.ts'

/** Where a broker has put a replica. */
export interface Placement {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly directoryId: string
}

/** Notes the placements that the image does not have yet; those of topics that have gone are left out. */
export function planPlacements(
  image: MetadataImage,
  brokerId: number,
  placements: readonly Placement[],
): MetadataChange[] {
  const changes: MetadataChange[] = []
  for (const { topic: name, topicId, partition: index, directoryId } of placements) {
    const topic = image.topics.get(name)
    const partition = topic?.partitions[index]
    if (partition === undefined || topic?.id !== topicId || !partition.replicas.includes(brokerId)) continue
    if (partition.directories?.[brokerId] === directoryId) continue
    changes.push({
      type: 'changePartition',
      topic: name,
      partition: withDirectory(partition, brokerId, directoryId),
    })
  }
  return changes
}

/**
 * Takes the leadership of replicas in directories that are offline from their broker, and gives it back to those that
 * have none and are online again. The last replica in sync stays in the ISR, so that it can lead again.
 */
export function planLeaders(image: MetadataImage, brokerId: number): MetadataChange[] {
  const changes: MetadataChange[] = []
  for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      if (!partition.replicas.includes(brokerId)) continue
      const next = nextLeadership(image, partition, brokerId)
      if (next !== undefined) changes.push({ type: 'changePartition', topic: topic.name, partition: next })
    }
  }
  return changes
}

function nextLeadership(
  image: MetadataImage,
  partition: PartitionImage,
  brokerId: number,
): PartitionImage | undefined {
  const { leader, isr, replicas } = partition
  const isOffline = isInOfflineDirectory(image, partition, brokerId)
  if (leader === NO_LEADER)
    return isr.includes(brokerId) && !isOffline ? withLeader(partition, brokerId) : undefined
  if (leader !== brokerId || !isOffline) return undefined
  const others = isr.filter((id) => id !== brokerId)
  const heir = replicas.find(
    (id) =>
      others.includes(id) &&
      image.brokers.get(id)?.fenced === false &&
      !isInOfflineDirectory(image, partition, id),
  )
  return withLeader(partition, heir ?? NO_LEADER, others.length === 0 ? isr : others)
}
