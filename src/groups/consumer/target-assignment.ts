import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import {
  AssignmentError,
  type GroupAssignment,
  type MemberSpec,
  NO_PARTITIONS,
  type PartitionAssignor,
  type SubscriptionType,
  samePartitions,
  type TopicPartitions,
} from '../assignor/assignor.ts'
import type { GroupStep } from '../step.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './member.ts'
import { assignmentEpochRecord, targetRecord } from './record-builders.ts'
import type { ConsumerGroupRecord } from './records.ts'

export interface MemberTarget {
  readonly epoch: number
  readonly target: TopicPartitions
}

/**
 * The target that a member has now: where the group's epoch has moved on and the assignment interval allows it, out of
 * a new assignment of the whole group, whose records are added to `records` (Kafka's `maybeUpdateTargetAssignment` and
 * `TargetAssignmentBuilder`).
 * @param member the member as it was, `updated` as it is from now on
 */
export function targetOf(
  group: ConsumerGroup,
  groupEpoch: number,
  member: ConsumerMember,
  updated: ConsumerMember,
  subscriptionType: SubscriptionType,
  step: GroupStep,
  records: ConsumerGroupRecord[],
): MemberTarget {
  const previousId = updated.instanceId === null ? undefined : group.staticMembers.get(updated.instanceId)
  if (group.assignmentEpoch >= groupEpoch || !mayAssign(group, step)) {
    const targetId = updated.instanceId === null ? updated.memberId : (previousId ?? '')
    return { epoch: group.assignmentEpoch, target: group.target(targetId) }
  }
  const assignor = preferredAssignor(group, step.options.consumer.assignors, { member, updated })
  const specs = memberSpecs(group, updated, previousId, subscriptionType, step)
  const assignment = assign(group, groupEpoch, assignor, specs, subscriptionType, step)
  for (const memberId of specs.keys()) {
    const target = assignment.get(memberId) ?? NO_PARTITIONS
    const old = group.targets.get(memberId)
    if (old === undefined || !samePartitions(target, old)) {
      records.push(targetRecord(group.groupId, memberId, target))
    }
  }
  records.push(assignmentEpochRecord(group.groupId, groupEpoch, step.nowMs))
  return { epoch: groupEpoch, target: assignment.get(updated.memberId) ?? NO_PARTITIONS }
}

/** Not more often than the interval says, so that members who come together are assigned together (KIP-1263). */
function mayAssign(group: ConsumerGroup, step: GroupStep): boolean {
  const { assignmentIntervalMs } = step.options.consumer.groupSettings(group.groupId)
  return (
    group.assignmentTimestampMs === 0 ||
    assignmentIntervalMs === 0 ||
    step.nowMs >= group.assignmentTimestampMs + assignmentIntervalMs
  )
}

/**
 * What most members vote for; of equal ones, and without a vote, the first that the broker is configured with (of equal
 * ones Kafka leaves it to a hash map).
 */
export function preferredAssignor(
  group: ConsumerGroup,
  assignors: readonly PartitionAssignor[],
  change?: { readonly member: ConsumerMember; readonly updated: ConsumerMember },
): PartitionAssignor {
  let preferred: PartitionAssignor | undefined
  let most = 0
  for (const assignor of assignors) {
    let votes = group.assignorVotes.get(assignor.name) ?? 0
    if (change?.member.serverAssignor === assignor.name && votes > 0) votes--
    if (change?.updated.serverAssignor === assignor.name) votes++
    if (preferred === undefined || votes > most) {
      preferred = assignor
      most = votes
    }
  }
  if (preferred === undefined) throw new KafkaError(ErrorCode.UNSUPPORTED_ASSIGNOR)
  return preferred
}

function memberSpecs(
  group: ConsumerGroup,
  updated: ConsumerMember,
  previousId: string | undefined,
  subscriptionType: SubscriptionType,
  step: GroupStep,
): ReadonlyMap<string, MemberSpec> {
  const topicIdsOf = topicIdResolver(group, updated, subscriptionType, step)
  const specs = new Map<string, MemberSpec>()
  const add = (member: ConsumerMember, assignment: TopicPartitions): void => {
    specs.set(member.memberId, {
      memberId: member.memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      subscribedTopicIds: topicIdsOf(member),
      assignment,
    })
  }
  for (const member of group.members.values()) {
    // The member whose place under its instance id the updated one takes.
    if (member.memberId === previousId && previousId !== updated.memberId) continue
    if (member.memberId !== updated.memberId) add(member, group.target(member.memberId))
    else add(updated, group.target(member.memberId))
  }
  if (!specs.has(updated.memberId)) add(updated, group.target(previousId ?? updated.memberId))
  return specs
}

/** Members with equal subscriptions share one set of topic ids where that is known without comparing them. */
function topicIdResolver(
  group: ConsumerGroup,
  updated: ConsumerMember,
  subscriptionType: SubscriptionType,
  { image }: GroupStep,
): (member: ConsumerMember) => ReadonlySet<string> {
  const known = new Map<ReadonlySet<string>, ReadonlySet<string>>()
  const idsOf = (names: ReadonlySet<string>): ReadonlySet<string> => {
    const ids = known.get(names)
    if (ids !== undefined) return ids
    const found = new Set<string>()
    for (const name of names) {
      const id = image.topics.get(name)?.id
      if (id !== undefined) found.add(id)
    }
    known.set(names, found)
    return found
  }
  if (subscriptionType === 'homogeneous') {
    const shared = idsOf(group.subscriptions.topicsOf(updated))
    return () => shared
  }
  return (member) => idsOf(group.subscriptions.topicsOf(member))
}

function assign(
  group: ConsumerGroup,
  groupEpoch: number,
  assignor: PartitionAssignor,
  members: ReadonlyMap<string, MemberSpec>,
  subscriptionType: SubscriptionType,
  { image, logger }: GroupStep,
): GroupAssignment {
  try {
    return assignor.assign(
      {
        members,
        subscriptionType,
        isPartitionAssigned: (topicId, partition) => group.isTarget(topicId, partition),
      },
      { partitionCount: (topicId) => image.topicsById.get(topicId)?.partitions.length ?? -1 },
    )
  } catch (error) {
    if (!(error instanceof AssignmentError)) throw error
    const message = `Failed to compute a new target assignment for epoch ${groupEpoch}: ${error.message}`
    logger.error('consumer group not assigned', { groupId: group.groupId, groupEpoch, reason: error.message })
    throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, message, { cause: error })
  }
}
