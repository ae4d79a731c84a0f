import { AssignmentError, type TopicPartitions } from './assignor.ts'

/** An assignment in the making: its partitions are in no order until it is finished. */
export type MutableAssignment = Map<string, number[]>

export function copyOf(assignment: TopicPartitions): MutableAssignment {
  const copy: MutableAssignment = new Map()
  for (const [topicId, partitions] of assignment) copy.set(topicId, [...partitions])
  return copy
}

export function addPartition(assignment: MutableAssignment, topicId: string, partition: number): void {
  const partitions = assignment.get(topicId)
  if (partitions === undefined) assignment.set(topicId, [partition])
  else partitions.push(partition)
}

/** The same with its partitions in order, as others expect it. */
export function finished(assignment: MutableAssignment): TopicPartitions {
  for (const partitions of assignment.values()) partitions.sort((a, b) => a - b)
  return assignment
}

export function missingTopic(topicId: string): AssignmentError {
  return new AssignmentError(
    `Members are subscribed to topic ${topicId} which doesn't exist in the topic metadata.`,
  )
}
