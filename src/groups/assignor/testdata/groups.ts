import type { SeededRandom } from '../../../testing/seeded-random.ts'
import {
  type GroupAssignment,
  type GroupSpec,
  type MemberSpec,
  NO_PARTITIONS,
  type SubscribedTopics,
  type SubscriptionType,
  type TopicPartitions,
} from '../assignor.ts'

/** A group of these members, in their order; what they are assigned is what is assigned. */
export function groupOf(members: readonly MemberSpec[], subscriptionType: SubscriptionType): GroupSpec {
  const assigned = new Set<string>()
  for (const { assignment } of members) {
    for (const [topicId, partitions] of assignment) {
      for (const partition of partitions) assigned.add(`${topicId} ${partition}`)
    }
  }
  return {
    members: new Map(members.map((member) => [member.memberId, member])),
    subscriptionType,
    isPartitionAssigned: (topicId, partition) => assigned.has(`${topicId} ${partition}`),
  }
}

/** A new member that is assigned nothing. */
export function memberOf(
  memberId: string,
  topicIds: Iterable<string>,
  instanceId: string | null = null,
): MemberSpec {
  return {
    memberId,
    instanceId,
    rackId: null,
    subscribedTopicIds: new Set(topicIds),
    assignment: NO_PARTITIONS,
  }
}

/** The members with what they were assigned. */
export function assigned(members: readonly MemberSpec[], assignment: GroupAssignment): MemberSpec[] {
  return members.map((member) => ({
    ...member,
    assignment: assignment.get(member.memberId) ?? NO_PARTITIONS,
  }))
}

/** Topics of 1 to `mostPartitions` partitions. */
export function randomTopics(random: SeededRandom, count: number, mostPartitions: number) {
  const partitions = new Map(
    Array.from({ length: count }, (_, i) => [
      Buffer.from(`topic ${String(i).padStart(10)}`).toString('base64url'),
      random.integer(1, mostPartitions),
    ]),
  )
  const topics: SubscribedTopics = { partitionCount: (topicId) => partitions.get(topicId) ?? -1 }
  return { partitions, topicIds: [...partitions.keys()], topics }
}

export function sizeOf(assignment: TopicPartitions): number {
  let size = 0
  for (const partitions of assignment.values()) size += partitions.length
  return size
}

/** Each partition with its owner; throws where one is assigned twice, to no subscriber, or out of order. */
export function ownersOf(members: readonly MemberSpec[]): Map<string, string> {
  const owners = new Map<string, string>()
  for (const { memberId, subscribedTopicIds, assignment } of members) {
    for (const [topicId, partitions] of assignment) {
      if (!subscribedTopicIds.has(topicId)) throw new Error(`${memberId} doesn't subscribe to ${topicId}`)
      if (partitions.length === 0) throw new Error(`${memberId} has an empty entry`)
      partitions.forEach((partition, i) => {
        const key = `${topicId} ${partition}`
        if (owners.has(key)) throw new Error(`${key} is assigned twice`)
        if (i > 0 && partition <= partitions[i - 1]!) throw new Error(`${memberId}: ${partitions} unsorted`)
        owners.set(key, memberId)
      })
    }
  }
  return owners
}

/** Every partition that has a subscriber, as `ownersOf` names it. */
export function subscribedPartitions(
  members: readonly MemberSpec[],
  partitions: ReadonlyMap<string, number>,
): Set<string> {
  const subscribed = new Set<string>()
  for (const { subscribedTopicIds } of members) {
    for (const topicId of subscribedTopicIds) {
      for (let i = 0; i < (partitions.get(topicId) ?? 0); i++) subscribed.add(`${topicId} ${i}`)
    }
  }
  return subscribed
}
