/**
 * Keeps the machines of a coordinator with the partitions of its topic that this broker leads, as the topic is made,
 * grows, is deleted and made again: Kafka's `BrokerMetadataPublisher.updateCoordinator`.
 */
import type { CoordinatorLog } from '../coordinator/coordinator-log.ts'
import type { MetadataStore } from '../metadata/store.ts'
import { coordinatorLog } from './coordinator-partition.ts'
import type { PartitionHost } from './partition-host.ts'

/** Of `CoordinatorRuntime`, what leadership concerns. */
export interface LedCoordinator {
  elected(partition: number, leaderEpoch: number, log: CoordinatorLog): Promise<void>
  resigned(partition: number, leaderEpoch?: number): void
}

export interface FollowedTopic {
  /** Resolves when what this broker led at the call is served, or has failed to load. */
  readonly loaded: Promise<unknown>
  end(): void
}

/** The partitions must have been told of a commit before this is: `partitions` subscribes first. */
export function followCoordinatorTopic(
  topic: string,
  metadata: Pick<MetadataStore, 'image' | 'subscribe'>,
  partitions: PartitionHost,
  coordinator: LedCoordinator,
): FollowedTopic {
  const follow = (): Promise<unknown> => {
    const loading: Promise<void>[] = []
    for (const { partition } of metadata.image().topics.get(topic)?.partitions ?? []) {
      const hosted = partitions.getAtOnce(topic, partition)
      if (hosted === undefined) coordinator.resigned(partition)
      else if (!hosted.isLeader) coordinator.resigned(partition, hosted.leaderEpoch)
      else loading.push(coordinator.elected(partition, hosted.leaderEpoch, coordinatorLog(hosted)))
    }
    return Promise.all(loading)
  }
  const unsubscribe = partitions.subscribeToRoom((hosted) => {
    if (hosted.topic !== topic || !hosted.isLeader) return
    void coordinator.elected(hosted.partition, hosted.leaderEpoch, coordinatorLog(hosted))
  })
  const end = metadata.subscribe((image, _changes, previous) => {
    const before = previous.topics.get(topic)
    const now = image.topics.get(topic)
    if (now === before) return
    // What was written to the topic of that id is gone, also where there is another of its name already.
    if (before?.id !== now?.id)
      for (const { partition } of before?.partitions ?? []) coordinator.resigned(partition)
    void follow()
  })
  return {
    loaded: follow(),
    end: () => {
      unsubscribe()
      end()
    },
  }
}
