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
import { Pace } from '../assignor/pace.ts'
import type { GroupStep } from '../step.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './member.ts'
import { assignmentEpochRecord, targetRecord } from './record-builders.ts'
import type { ConsumerGroupRecord } from './records.ts'
import { consumerAssignmentTimer } from './timers.ts'

export interface MemberTarget {
  readonly epoch: number
  readonly target: TopicPartitions
  /** The rest of an assignment that was begun, to be gone on with by `continueAssignment`. */
  readonly run?: AssignmentRun
}

/** An assignment of a whole group, under way. */
export interface AssignmentRun {
  readonly groupEpoch: number
  readonly members: ReadonlyMap<string, MemberSpec>
  readonly steps: Generator<undefined, GroupAssignment>
  /** Once all steps are done. */
  readonly assignment?: GroupAssignment
}

/**
 * The target that a member has now: where the group's epoch has moved on and the assignment interval allows it, out of
 * a new assignment of the whole group, whose records are added to `records` (Kafka's `maybeUpdateTargetAssignment` and
 * `TargetAssignmentBuilder`). One that takes more than a step goes on by a timer, and the members keep their targets
 * until it is there.
 * @param member the member as it was, `updated` as it is from now on
 * @param subscriptionType what is known of it; undefined when nothing has changed it
 */
export function targetOf(
  group: ConsumerGroup,
  groupEpoch: number,
  member: ConsumerMember,
  updated: ConsumerMember,
  subscriptionType: SubscriptionType | undefined,
  step: GroupStep,
  records: ConsumerGroupRecord[],
): MemberTarget {
  const previousId = updated.instanceId === null ? undefined : group.staticMembers.get(updated.instanceId)
  const targetId = updated.instanceId === null ? updated.memberId : (previousId ?? '')
  const last = { epoch: group.assignmentEpoch, target: group.target(targetId) }
  if (group.assignmentEpoch >= groupEpoch || group.assigning !== undefined || !mayAssign(group, step)) {
    return last
  }
  const assignor = preferredAssignor(group, step.options.consumer.assignors, { member, updated })
  const type = subscriptionType ?? group.subscriptions.type(group.members.size)
  const { image } = step
  let isTarget = (topicId: string, partition: number) => group.isTarget(topicId, partition)
  const members = new Map<string, MemberSpec>()
  const subjects = subjectsOf(group, updated, previousId)
  const topicIdsOf = topicIdResolver(group, updated, type, step)
  const steps = assignInSteps(subjects, topicIdsOf, members, () =>
    assignor.assignInSteps(
      { members, subscriptionType: type, isPartitionAssigned: (...partition) => isTarget(...partition) },
      { partitionCount: (topicId) => image.topicsById.get(topicId)?.partitions.length ?? -1 },
    ),
  )
  const run = { groupEpoch, members, steps }
  const assignment = nextStep(group, run, step)
  if (assignment === undefined) {
    isTarget = group.targetsNow()
    return { ...last, run }
  }
  records.push(...assignmentRecords(group, run, assignment, ({ memberId }) => memberId, step))
  return { epoch: groupEpoch, target: assignment.get(updated.memberId) ?? NO_PARTITIONS }
}

/** From the next turn of the event loop on. */
export function continueAssignment(group: ConsumerGroup, run: AssignmentRun, step: GroupStep): void {
  group.assigning = run
  step.setTimer(consumerAssignmentTimer(group.groupId), 0)
}

/** The next step of the group's assignment; after the last one, the records that give the group its new targets. */
export function assignmentTimerExpired(group: ConsumerGroup, step: GroupStep): void {
  const run = group.assigning
  if (run === undefined) return
  // Should it fail, the next heartbeat begins anew.
  group.assigning = undefined
  try {
    if (run.assignment === undefined) {
      const assignment = nextStep(group, run, step)
      continueAssignment(group, assignment === undefined ? run : { ...run, assignment }, step)
      return
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return
  }
  const ownerOf = (member: MemberSpec) => presentId(group, member)
  for (const record of assignmentRecords(group, run, run.assignment, ownerOf, step)) step.append(record)
}

function nextStep(
  group: ConsumerGroup,
  { groupEpoch, steps }: AssignmentRun,
  { logger }: GroupStep,
): GroupAssignment | undefined {
  try {
    const { done, value } = steps.next()
    return done === true ? value : undefined
  } catch (error) {
    if (!(error instanceof AssignmentError)) throw error
    const message = `Failed to compute a new target assignment for epoch ${groupEpoch}: ${error.message}`
    logger.error('consumer group not assigned', { groupId: group.groupId, groupEpoch, reason: error.message })
    throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, message, { cause: error })
  }
}

/** The id that the member has by now. One that has left has none, and has moved the group's epoch on. */
function presentId(group: ConsumerGroup, { memberId, instanceId }: MemberSpec): string | undefined {
  if (group.members.has(memberId)) return memberId
  return instanceId === null ? undefined : group.staticMembers.get(instanceId)
}

/** Only of those whose target is another. */
function assignmentRecords(
  group: ConsumerGroup,
  { groupEpoch, members }: AssignmentRun,
  assignment: GroupAssignment,
  ownerOf: (member: MemberSpec) => string | undefined,
  { nowMs }: GroupStep,
): ConsumerGroupRecord[] {
  const records: ConsumerGroupRecord[] = []
  for (const member of members.values()) {
    const target = assignment.get(member.memberId) ?? NO_PARTITIONS
    const ownerId = ownerOf(member)
    if (ownerId === undefined) continue
    const old = group.targets.get(ownerId)
    if (old === undefined || !samePartitions(target, old)) {
      records.push(targetRecord(group.groupId, ownerId, target))
    }
  }
  records.push(assignmentEpochRecord(group.groupId, groupEpoch, nowMs))
  return records
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

interface Subject {
  readonly member: ConsumerMember
  /** Its last target. */
  readonly assignment: TopicPartitions
}

/** All members as they are from now on, whatever becomes of the group meanwhile. */
function subjectsOf(
  group: ConsumerGroup,
  updated: ConsumerMember,
  previousId: string | undefined,
): readonly Subject[] {
  const subjects: Subject[] = []
  let isKnown = false
  for (const member of group.members.values()) {
    const isUpdated = member.memberId === updated.memberId
    isKnown ||= isUpdated
    // The member whose place under its instance id the updated one takes.
    if (member.memberId === previousId && !isUpdated) continue
    subjects.push({ member: isUpdated ? updated : member, assignment: group.target(member.memberId) })
  }
  if (!isKnown) subjects.push({ member: updated, assignment: group.target(previousId ?? updated.memberId) })
  return subjects
}

/** Fills `members`, which takes steps of its own where they subscribe to many topics, and has them assigned. */
function* assignInSteps(
  subjects: readonly Subject[],
  topicIdsOf: (member: ConsumerMember) => ReadonlySet<string>,
  members: Map<string, MemberSpec>,
  assign: () => Generator<undefined, GroupAssignment>,
): Generator<undefined, GroupAssignment> {
  const pace = new Pace()
  for (const { member, assignment } of subjects) {
    const { memberId, instanceId, rackId } = member
    const subscribedTopicIds = topicIdsOf(member)
    members.set(memberId, { memberId, instanceId, rackId, subscribedTopicIds, assignment })
    if (pace.isOver(1 + member.subscribedTopicNames.size)) yield
  }
  return yield* assign()
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
