/**
 * What AlterPartitionReassignments may do: Kafka's `ReplicationControlManager.alterPartitionReassignments` without its
 * state, for replicas that stay where they are. Moving them to other brokers is not done.
 */
import { ErrorCode } from '../../wire/error-codes.ts'
import type { MetadataChange } from '../metadata/changes.ts'
import type { MetadataImage, PartitionImage } from '../metadata/image.ts'
import { assignmentProblem, type Refusal } from './create-topics.ts'

export interface Reassignment {
  readonly topic: string
  readonly partition: number
  /** Null to take a reassignment back. */
  readonly replicas: readonly number[] | null
  readonly allowReplicationFactorChange: boolean
}

/** What changes, undefined for nothing, or why it cannot be. A Refusal's message is empty where Kafka gives none. */
export function planReassignment(
  image: MetadataImage,
  { topic, partition: index, replicas, allowReplicationFactorChange }: Reassignment,
): MetadataChange | Refusal | undefined {
  const partitions = image.topics.get(topic)?.partitions
  if (partitions === undefined) return unknown(`Unable to find a topic named ${topic}.`)
  const partition = partitions[index]
  if (partition === undefined) return unknown(`Unable to find partition ${topic}:${index}.`)
  // Nothing ever is in progress.
  if (replicas === null) return { errorCode: ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, message: '' }
  const problem = assignmentProblem(image, replicas, replicas.length)
  if (problem !== undefined) return problem
  if (!allowReplicationFactorChange && replicas.length !== partition.replicas.length) {
    return {
      errorCode: ErrorCode.INVALID_REPLICATION_FACTOR,
      message: `The replication factor is changed from ${partition.replicas.length} to ${replicas.length}`,
    }
  }
  if (!sameBrokers(partition, replicas)) {
    return {
      errorCode: ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      message: `Replicas of ${topic}-${index} are on brokers ${partition.replicas.join(',')} and cannot be moved to ${replicas.join(',')}.`,
    }
  }
  if (replicas.every((id, at) => partition.replicas[at] === id)) return undefined
  const reordered = { ...partition, replicas: [...replicas], partitionEpoch: partition.partitionEpoch + 1 }
  return { type: 'changePartition', topic, partition: reordered }
}

function sameBrokers({ replicas }: PartitionImage, wanted: readonly number[]): boolean {
  return wanted.length === replicas.length && wanted.every((id) => replicas.includes(id))
}

function unknown(message: string): Refusal {
  return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message }
}
