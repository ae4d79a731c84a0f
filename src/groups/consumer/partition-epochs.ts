import type { TopicPartitions } from '../assignor/assignor.ts'

/**
 * Partitions that a member owns, by topic id, each with the member epoch since which it has it: commits of that epoch
 * and later ones are the owner's (KIP-1251). Never changed once made.
 */
export type PartitionEpochs = ReadonlyMap<string, ReadonlyMap<number, number>>

export const NO_PARTITION_EPOCHS: PartitionEpochs = new Map()

export function samePartitionEpochs(a: PartitionEpochs, b: PartitionEpochs): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others === partitions) continue
    if (others === undefined || others.size !== partitions.size) return false
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false
  }
  return true
}

/** All partitions with one epoch. */
export function withEpoch(partitions: TopicPartitions, epoch: number): PartitionEpochs {
  const result = new Map<string, Map<number, number>>()
  for (const [topicId, list] of partitions) {
    result.set(topicId, new Map(list.map((partition) => [partition, epoch])))
  }
  return result
}

/** The same partitions with epoch 0. */
export function withEpochsReset(partitions: PartitionEpochs): PartitionEpochs {
  const result = new Map<string, Map<number, number>>()
  for (const [topicId, epochs] of partitions) {
    result.set(topicId, new Map(Array.from(epochs.keys(), (partition) => [partition, 0])))
  }
  return result
}

/** As answers list them: ascending. */
export function partitionLists(
  partitions: PartitionEpochs,
): { readonly topicId: string; readonly partitions: number[] }[] {
  return Array.from(partitions, ([topicId, epochs]) => ({
    topicId,
    partitions: [...epochs.keys()].sort((a, b) => a - b),
  }))
}
