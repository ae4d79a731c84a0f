/** What CreatePartitions may add: Kafka's `ReplicationControlManager.createPartitions` without its state. */
import type { Random } from '../../base/random.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import type { MetadataImage, PartitionImage } from '../metadata/image.ts'
import { assignmentProblem, newPartition, place, type Refusal } from './create-topics.ts'

export interface MorePartitions {
  readonly name: string
  /** How many there are to be in all. */
  readonly count: number
  /** Broker ids for each new partition; null to let the cluster place them. */
  readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null
}

/** How many partitions the requests add together, whether or not they may. */
export function addedPartitions(image: MetadataImage, requests: readonly MorePartitions[]): number {
  let added = 0
  for (const { name, count } of requests) {
    const topic = image.topics.get(name)
    if (topic !== undefined) added += Math.max(0, count - topic.partitions.length)
  }
  return added
}

/** The partitions to be added, or why not. */
export function planPartitions(
  image: MetadataImage,
  request: MorePartitions,
  random: Random,
): readonly PartitionImage[] | Refusal {
  const topic = image.topics.get(request.name)
  if (topic === undefined) {
    return {
      errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      message: 'This server does not host this topic-partition.',
    }
  }
  const present = topic.partitions.length
  if (request.count === present) {
    return { errorCode: ErrorCode.INVALID_PARTITIONS, message: `Topic already has ${present} partition(s).` }
  }
  if (request.count < present) {
    return {
      errorCode: ErrorCode.INVALID_PARTITIONS,
      message: `The topic ${request.name} currently has ${present} partition(s); ${request.count} would not be an increase.`,
    }
  }
  const added = request.count - present
  const replicationFactor = topic.partitions[0]!.replicas.length
  let replicas: readonly (readonly number[])[]
  if (request.assignments !== null) {
    if (request.assignments.length !== added) {
      return {
        errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        message: `Attempted to add ${added} additional partition(s), but only ${request.assignments.length} assignment(s) were specified.`,
      }
    }
    for (const { brokerIds } of request.assignments) {
      const problem = assignmentProblem(image, brokerIds, replicationFactor)
      if (problem !== undefined) return problem
    }
    replicas = request.assignments.map(({ brokerIds }) => brokerIds)
  } else {
    const placed = place(image, added, replicationFactor, random)
    if ('errorCode' in placed) return placed
    replicas = placed
  }
  return replicas.map((ids, index) => newPartition(image, present + index, ids))
}
