/**
 * What assigns partitions to the members of a group on the broker's side (Kafka's `PartitionAssignor` and what it is
 * handed). An assignor is a pure function: the same group and topics give the same assignment, whatever was called
 * before.
 */

/**
 * Topic id to partitions, ascending and without repetition. Never changed once made: targets, records and answers share
 * the arrays.
 */
export type TopicPartitions = ReadonlyMap<string, readonly number[]>

export const NO_PARTITIONS: TopicPartitions = new Map()

/** Homogeneous: every member subscribes to the same topics. */
export type SubscriptionType = 'homogeneous' | 'heterogeneous'

export interface MemberSpec {
  readonly memberId: string
  /** Set for a static member. */
  readonly instanceId: string | null
  readonly rackId: string | null
  /** Existing topics only. Members with equal subscriptions may share one set. */
  readonly subscribedTopicIds: ReadonlySet<string>
  /** What the last assignment gave the member, topics that are gone included; empty for a new one. */
  readonly assignment: TopicPartitions
}

export interface GroupSpec {
  /** By member id. */
  readonly members: ReadonlyMap<string, MemberSpec>
  readonly subscriptionType: SubscriptionType
  /** Whether the last assignment gave the partition to anyone, members that have left since included. */
  isPartitionAssigned(topicId: string, partition: number): boolean
}

/** Kafka's `SubscribedTopicDescriber`. */
export interface SubscribedTopics {
  /** -1 for a topic that does not exist. */
  partitionCount(topicId: string): number
}

/** By member id. A member that is missing gets nothing. */
export type GroupAssignment = ReadonlyMap<string, TopicPartitions>

export interface PartitionAssignor {
  /** As in `group.consumer.assignors` and the members' requests. */
  readonly name: string
  /** Throws AssignmentError where the group cannot be given an assignment. */
  assign(group: GroupSpec, topics: SubscribedTopics): GroupAssignment
  /**
   * The same in steps of some ten milliseconds at most, one for nearly every group. What it is handed must not change
   * between them.
   */
  assignInSteps(group: GroupSpec, topics: SubscribedTopics): Generator<undefined, GroupAssignment>
}

/** An assignor out of its steps. */
export function partitionAssignor(
  name: string,
  assignInSteps: PartitionAssignor['assignInSteps'],
): PartitionAssignor {
  return {
    name,
    assignInSteps,
    assign(group, topics) {
      const steps = assignInSteps(group, topics)
      for (;;) {
        const step = steps.next()
        if (step.done === true) return step.value
      }
    },
  }
}

/** The group keeps the assignment that it has; the member that asked is told UNKNOWN_SERVER_ERROR. */
export class AssignmentError extends Error {
  override name = 'AssignmentError'
}

/** Whether both give the same partitions; the order of topics does not count. */
export function samePartitions(a: TopicPartitions, b: TopicPartitions): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId)
    if (others === partitions) continue
    if (others === undefined || others.length !== partitions.length) return false
    if (partitions.some((partition, i) => partition !== others[i])) return false
  }
  return true
}
