import {
  AssignmentError,
  type GroupAssignment,
  type GroupSpec,
  type MemberSpec,
  partitionAssignor,
  type SubscribedTopics,
  type TopicPartitions,
} from './assignor.ts'
import { Pace } from './pace.ts'
import { Subscriptions } from './subscriptions.ts'

/** A topic while its partitions are given out. */
interface TopicRanges {
  readonly topicId: string
  readonly partitionCount: number
  subscribers: number
  /** Subscribers that had their range. */
  served: number
  /** The first partition that nobody has yet. */
  next: number
}

/**
 * Gives each subscriber of a topic a range of its partitions, in the order of the members: the static ones by instance
 * id, then the others by member id. So topics of as many partitions with the same subscribers are co-partitioned, and
 * a static member has the same partitions after it came back under another member id. What members have now makes no
 * difference (Kafka's `RangeAssignor`).
 */
export const rangeAssignor = partitionAssignor('range', assignInSteps)

function* assignInSteps(group: GroupSpec, topics: SubscribedTopics): Generator<undefined, GroupAssignment> {
  const pace = new Pace()
  const members = [...group.members.values()].sort(byInstanceThenMember)
  const subscriptions = new Subscriptions((topicId) => rangesOf(topicId, topics))
  for (const member of members) {
    for (const topic of subscriptions.of(member)) topic.subscribers++
    if (pace.isOver(member.subscribedTopicIds.size)) yield
  }
  const assignments = new Map<string, TopicPartitions>()
  for (const member of members) {
    const assignment = new Map<string, readonly number[]>()
    const subscribed = subscriptions.of(member)
    let assigned = 0
    for (const topic of subscribed) {
      if (topic.next === topic.partitionCount) continue
      const range = nextRange(topic)
      assignment.set(topic.topicId, range)
      assigned += range.length
    }
    assignments.set(member.memberId, assignment)
    if (pace.isOver(subscribed.length + assigned)) yield
  }
  return assignments
}

/** Strings by UTF-16 units, as Java compares them. */
function byInstanceThenMember(a: MemberSpec, b: MemberSpec): number {
  if (a.instanceId !== null && b.instanceId !== null) return a.instanceId < b.instanceId ? -1 : 1
  if (a.instanceId !== null) return -1
  if (b.instanceId !== null) return 1
  return a.memberId < b.memberId ? -1 : 1
}

function rangesOf(topicId: string, topics: SubscribedTopics): TopicRanges {
  const partitionCount = topics.partitionCount(topicId)
  if (partitionCount === -1) throw new AssignmentError('Member is subscribed to a non-existent topic')
  return { topicId, partitionCount, subscribers: 0, served: 0, next: 0 }
}

/** The first subscribers have one partition more where the number doesn't divide evenly. */
function nextRange(topic: TopicRanges): number[] {
  const { partitionCount, subscribers, next } = topic
  const extra = topic.served < partitionCount % subscribers ? 1 : 0
  const length = Math.floor(partitionCount / subscribers) + extra
  topic.served++
  topic.next += length
  return Array.from({ length }, (_, i) => next + i)
}
