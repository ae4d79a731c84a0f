/** What ElectLeaders does: Kafka's `ReplicationControlManager.electLeaders` without its state. */
import { defaultErrorMessage, ErrorCode } from '../../wire/error-codes.ts'
import type { MetadataChange } from '../metadata/changes.ts'
import { type MetadataImage, NO_LEADER, type PartitionImage, withLeader } from '../metadata/image.ts'
import type { Decision } from '../metadata/store.ts'

/** `preferred`: the first replica, if it is in sync. `unclean`: any live one where there is no leader. */
export type ElectionType = 'preferred' | 'unclean'

export interface ElectedPartition {
  readonly partition: number
  readonly errorCode: number
  /** Null for none. */
  readonly message: string | null
}

export interface ElectedTopic {
  readonly topic: string
  readonly partitions: readonly ElectedPartition[]
}

/** @param wanted null for every partition, of which those that need no election are not named in the result */
export function electLeaders(
  image: MetadataImage,
  type: ElectionType,
  wanted: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
): Decision<ElectedTopic[]> {
  const changes = new Map<string, MetadataChange>()
  const elect = (topic: string, partition: number): ElectedPartition => {
    const outcome = electLeader(image, type, topic, partition)
    if ('errorCode' in outcome) return { partition, ...outcome }
    changes.set(`${topic}-${partition}`, { type: 'changePartition', topic, partition: outcome })
    return { partition, errorCode: ErrorCode.NONE, message: null }
  }
  const result =
    wanted?.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((partition) => elect(topic, partition)),
    })) ??
    Array.from(image.topics.values(), ({ name, partitions }) => ({
      topic: name,
      partitions: partitions
        .map(({ partition }) => elect(name, partition))
        .filter(({ errorCode }) => errorCode !== ErrorCode.ELECTION_NOT_NEEDED),
    }))
  return { changes: [...changes.values()], result }
}

function electLeader(
  image: MetadataImage,
  type: ElectionType,
  topic: string,
  index: number,
): PartitionImage | Omit<ElectedPartition, 'partition'> {
  const partitions = image.topics.get(topic)?.partitions
  if (partitions === undefined) {
    return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message: `No such topic as ${topic}` }
  }
  const partition = partitions[index]
  if (partition === undefined) {
    const message = `No such partition as ${topic}-${index}`
    return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message }
  }
  const { replicas, isr, leader } = partition
  const isLive = (id: number) => image.brokers.get(id)?.fenced === false
  if (type === 'preferred') {
    const preferred = replicas[0]!
    if (leader === preferred) return refusal(ErrorCode.ELECTION_NOT_NEEDED)
    return isr.includes(preferred) && isLive(preferred)
      ? withLeader(partition, preferred)
      : refusal(ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE)
  }
  if (leader !== NO_LEADER) return refusal(ErrorCode.ELECTION_NOT_NEEDED)
  const inSync = replicas.find((id) => isr.includes(id) && isLive(id))
  if (inSync !== undefined) return withLeader(partition, inSync)
  const any = replicas.find(isLive)
  return any === undefined
    ? refusal(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE)
    : withLeader(partition, any, [any])
}

function refusal(errorCode: number): Omit<ElectedPartition, 'partition'> {
  return { errorCode, message: defaultErrorMessage(errorCode) }
}
