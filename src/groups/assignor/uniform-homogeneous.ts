import {
  AssignmentError,
  type GroupAssignment,
  type GroupSpec,
  NO_PARTITIONS,
  type SubscribedTopics,
  type TopicPartitions,
} from './assignor.ts'
import { addPartition, copyOf, finished, missingTopic } from './mutable-assignment.ts'
import { Pace } from './pace.ts'

interface TopicPartition {
  readonly topicId: string
  readonly partition: number
}

/** A member that is to have `room` more partitions. */
interface UnfilledMember {
  readonly memberId: string
  readonly room: number
}

/**
 * Assigns partitions evenly to members that subscribe to the same topics, and leaves with each what it has as far as
 * that is even (Kafka's `UniformHomogeneousAssignmentBuilder`). Members get the same number of partitions, or one more;
 * the extra ones stay where they are, or go to the last members. A member whose assignment stays gets the very object
 * that it had.
 */
export function* assignHomogeneous(
  group: GroupSpec,
  topics: SubscribedTopics,
): Generator<undefined, GroupAssignment> {
  const pace = new Pace()
  const { members } = group
  const subscribed = members.values().next().value?.subscribedTopicIds
  if (subscribed === undefined || subscribed.size === 0) return new Map()

  const unassigned: TopicPartition[] = []
  let partitionTotal = 0
  for (const topicId of subscribed) {
    const count = topics.partitionCount(topicId)
    if (count === -1) throw missingTopic(topicId)
    for (let partition = 0; partition < count; partition++) {
      if (!group.isPartitionAssigned(topicId, partition)) unassigned.push({ topicId, partition })
    }
    partitionTotal += count
    if (pace.isOver(count)) yield
  }

  const minimumQuota = Math.floor(partitionTotal / members.size)
  let extraPartitions = partitionTotal % members.size
  let membersLeft = members.size
  const assignments = new Map<string, TopicPartitions>()
  const unfilled: UnfilledMember[] = []
  for (const [memberId, { assignment }] of members) {
    let takesExtra = extraPartitions > 0
    const kept = keep(assignment, subscribed, minimumQuota + (takesExtra ? 1 : 0), unassigned)
    let { room } = kept
    // An extra partition that the member doesn't have yet is left to those behind it, as long as they are enough.
    if (room > 0 && takesExtra && membersLeft > extraPartitions) {
      room--
      takesExtra = false
    }
    if (room > 0) unfilled.push({ memberId, room })
    if (takesExtra) extraPartitions--
    membersLeft--
    assignments.set(memberId, kept.assignment)
    if (pace.isOver(assignment.size)) yield
  }
  yield* fill(pace, assignments, unfilled, unassigned)
  return assignments
}

/**
 * What a member keeps of its assignment: subscribed topics only, and no more than the quota. What it loses of
 * subscribed topics is appended to `unassigned`. `room` is what is left of the quota.
 */
function keep(
  assignment: TopicPartitions,
  subscribed: ReadonlySet<string>,
  quota: number,
  unassigned: TopicPartition[],
): { readonly assignment: TopicPartitions; readonly room: number } {
  let room = quota
  let changed: Map<string, readonly number[]> | undefined
  for (const [topicId, partitions] of assignment) {
    if (subscribed.has(topicId) && partitions.length <= room) {
      room -= partitions.length
      continue
    }
    changed ??= new Map(assignment)
    const kept = subscribed.has(topicId) ? partitions.slice(0, room) : []
    if (kept.length === 0) changed.delete(topicId)
    else changed.set(topicId, kept)
    if (!subscribed.has(topicId)) continue
    for (const partition of partitions.slice(room)) unassigned.push({ topicId, partition })
    room = 0
  }
  return { assignment: changed ?? assignment, room }
}

/** Gives the members with room the unassigned partitions, in the order of both. */
function* fill(
  pace: Pace,
  assignments: Map<string, TopicPartitions>,
  unfilled: readonly UnfilledMember[],
  unassigned: readonly TopicPartition[],
): Generator<undefined, void> {
  let next = 0
  for (const { memberId, room } of unfilled) {
    if (next === unassigned.length) break
    const assignment = copyOf(assignments.get(memberId) ?? NO_PARTITIONS)
    const end = Math.min(next + room, unassigned.length)
    for (; next < end; next++) {
      const { topicId, partition } = unassigned[next]!
      addPartition(assignment, topicId, partition)
    }
    assignments.set(memberId, finished(assignment))
    if (pace.isOver(assignment.size + room)) yield
  }
  if (next < unassigned.length) throw new AssignmentError('Partitions were left unassigned')
}
