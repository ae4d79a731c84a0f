import type { MetadataStore } from './cluster/metadata/store.ts'

/**
 * Over how many partitions a coordinator's work is spread: what its topic had when it was first seen. As in Kafka,
 * partitions that it is given later count from the next start on, or groups would lose what they have committed while
 * they run. `toBeMade` is how many the topic gets when it is made.
 */
export function coordinatorSpread(
  metadata: MetadataStore,
  topicName: string,
  toBeMade: number,
): () => number {
  let seen: { readonly id: string; readonly count: number } | undefined
  return () => {
    const topic = metadata.image().topics.get(topicName)
    if (topic === undefined) return toBeMade
    if (seen?.id !== topic.id) seen = { id: topic.id, count: topic.partitions.length }
    return seen.count
  }
}
