import { defaultErrorMessage, ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import type { ConsumerGroupHeartbeatRequest } from '../../wire/schemas/68-consumer-group-heartbeat.ts'
import type { SubscriptionType } from '../assignor/assignor.ts'
import type { ClassicGroup } from '../classic/classic-group.ts'
import type { CommandOf, GroupReplies } from '../commands.ts'
import type { Groups } from '../group.ts'
import { membersUpgraded, upgradedGroup } from '../migration/upgrade.ts'
import type { GroupRecord } from '../records.ts'
import type { GroupStep } from '../step.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { fenceMembers, restartSession } from './fence.ts'
import {
  type ConsumerMember,
  LEAVE_EPOCH,
  MemberState,
  newMember,
  STATIC_LEAVE_EPOCH,
  sameMetadata,
  sameNames,
} from './member.ts'
import {
  NO_PARTITION_EPOCHS,
  partitionLists,
  samePartitionEpochs,
  withEpochsReset,
} from './partition-epochs.ts'
import type { GroupPatterns } from './patterns.ts'
import { reconcile } from './reconcile.ts'
import {
  currentAssignmentRecord,
  groupEpochRecord,
  groupRecords,
  memberMetadataRecord,
  memberTombstones,
  partitionMetadataTombstone,
  targetRecord,
} from './record-builders.ts'
import type { ConsumerGroupRecord } from './records.ts'
import { Subscriptions } from './subscriptions.ts'
import { continueAssignment, targetOf } from './target-assignment.ts'
import { cancelTimers, consumerRebalanceTimer } from './timers.ts'
import { checkMemberEpoch, checkRequest, checkRoom, knownMember, knownStaticMember } from './validation.ts'

type Heartbeat = CommandOf<'consumerGroupHeartbeat'>
type Answer = GroupReplies['consumerGroupHeartbeat']

/**
 * ConsumerGroupHeartbeat v0-1, by which a member joins (epoch 0), tells what it owns and subscribes to, learns what it is
 * to own, and leaves (epoch -1, or -2 for a static member that means to come back). What is refused leaves the group as
 * it was. v1: patterns, and member ids that the member makes itself.
 */
export function consumerGroupHeartbeat(
  groups: Groups,
  patterns: GroupPatterns,
  command: Heartbeat,
  step: GroupStep,
): Answer {
  const { request, context } = command
  try {
    checkRequest(request, context.version, step.options.consumer.assignors)
    return request.memberEpoch === LEAVE_EPOCH || request.memberEpoch === STATIC_LEAVE_EPOCH
      ? leave(groups, request, step)
      : heartbeat(groups, patterns, command, step)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return heartbeatRefusal(error.code, error.message)
  }
}

export function heartbeatRefusal(errorCode: number, message: string): Answer {
  return {
    errorCode,
    errorMessage: message === defaultErrorMessage(errorCode) ? null : message,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
  }
}

/** Nothing reaches the step before all has been found in order: a refusal takes nothing back. */
function heartbeat(
  groups: Groups,
  patterns: GroupPatterns,
  { request, context, uuid }: Heartbeat,
  step: GroupStep,
): Answer {
  const { groupId, memberEpoch, instanceId } = request
  const records: GroupRecord[] = []
  const ofGroup: ConsumerGroupRecord[] = []
  const { group, upgraded } = groupFor(groups, groupId, memberEpoch === 0, records, step)
  checkRoom(group, request.memberId, step.options.consumer.maxSize)
  const memberId = request.memberId === '' ? uuid : request.memberId
  const { member, replaced } =
    instanceId === null
      ? dynamicMember(group, memberId, request)
      : staticMember(group, memberId, instanceId, request, ofGroup)
  const updated: ConsumerMember = {
    ...member,
    instanceId: instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs:
      request.rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: namesOf(request, member),
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    clientId: context.clientId,
    clientHost: context.clientHost,
    classic: null,
  }
  if (!sameMetadata(member, updated)) ofGroup.push(memberMetadataRecord(groupId, updated))
  const namesChanged = member.subscribedTopicNames !== updated.subscribedTopicNames
  const pattern = patterns.memberUpdated(group, member, updated, ofGroup, step)
  const topics = lookAtTopics(group, member, updated, namesChanged || pattern.change === 'resolved', step)
  if (topics !== undefined) ofGroup.push(...topics.records)
  const groupEpoch = topics?.groupEpoch ?? group.groupEpoch
  const { epoch, target, run } = targetOf(
    group,
    groupEpoch,
    member,
    updated,
    topics?.subscriptionType,
    step,
    ofGroup,
  )
  const next = reconcile({
    group,
    member: updated,
    target,
    targetEpoch: epoch,
    subscriptionChanged: namesChanged || pattern.change !== 'none',
    owned: request.topicPartitions,
    image: step.image,
  })
  const moved = !sameAssignment(updated, next)
  if (moved) ofGroup.push(currentAssignmentRecord(groupId, next))

  for (const record of records) step.append(record)
  for (const record of ofGroup) step.append(record)
  if (upgraded !== undefined) membersUpgraded(upgraded, step)
  if (topics !== undefined) {
    group.metadataLookedAt(step.nowMs, groupEpoch)
    if (groupEpoch !== group.groupEpoch) step.counts.consumerRebalances++
  }
  if (replaced !== undefined) cancelTimers(groupId, replaced, step)
  if (pattern.resolve.length > 0) patterns.start(groupId, pattern.resolve, step)
  if (run !== undefined) continueAssignment(group, run, step)
  if (moved) timeRevocation(groupId, next, step)
  restartSession(groupId, memberId, step)
  logJoin(group, next, request, step)

  const isFullRequest =
    request.rebalanceTimeoutMs !== -1 &&
    (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
    request.topicPartitions !== null
  const tellsAssignment =
    memberEpoch === 0 || isFullRequest || !samePartitionEpochs(member.assigned, next.assigned)
  return {
    errorCode: ErrorCode.NONE,
    memberId,
    memberEpoch: next.memberEpoch,
    heartbeatIntervalMs: step.options.consumer.groupSettings(groupId).heartbeatIntervalMs,
    assignment: tellsAssignment ? { topicPartitions: partitionLists(next.assigned) } : null,
  }
}

interface HeartbeatGroup {
  readonly group: ConsumerGroup
  /** The classic group, with members, that becomes this one. */
  readonly upgraded?: ClassicGroup
}

/** The group of a heartbeat. A joining member makes it where there is none, and takes an empty one over. */
function groupFor(
  groups: Groups,
  groupId: string,
  joins: boolean,
  records: GroupRecord[],
  step: GroupStep,
): HeartbeatGroup {
  const group = groups.get(groupId)
  if (group?.type === 'consumer') return { group }
  if (!joins) {
    throw new KafkaError(
      ErrorCode.GROUP_ID_NOT_FOUND,
      group === undefined
        ? `Consumer group ${groupId} not found.`
        : `Group ${groupId} is not a consumer group.`,
    )
  }
  if (group === undefined) return { group: new ConsumerGroup(groupId) }
  records.push({ type: 'groupMetadata', groupId, value: null })
  if (group.state === 'Empty') return { group: new ConsumerGroup(groupId) }
  const upgraded = upgradedGroup(group, step)
  records.push(...groupRecords(upgraded))
  return { group: upgraded, upgraded: group }
}

interface Subject {
  readonly member: ConsumerMember
  /** The member id that had the instance id before. */
  readonly replaced?: string | undefined
}

function dynamicMember(
  group: ConsumerGroup,
  memberId: string,
  { memberEpoch, topicPartitions }: ConsumerGroupHeartbeatRequest,
): Subject {
  const known = group.members.get(memberId)
  if (known === undefined && memberEpoch === 0) return { member: newMember(memberId) }
  const member = known ?? knownMember(group, memberId)
  checkMemberEpoch(member, memberEpoch, topicPartitions)
  return { member }
}

/** A static member that comes back gets a new member id and what it had before; its epochs begin anew. */
function staticMember(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string,
  { memberEpoch, topicPartitions }: ConsumerGroupHeartbeatRequest,
  records: ConsumerGroupRecord[],
): Subject {
  if (memberEpoch !== 0) {
    const member = knownStaticMember(group, memberId, instanceId)
    checkMemberEpoch(member, memberEpoch, topicPartitions)
    return { member }
  }
  const existing = group.staticMember(instanceId)
  if (existing === undefined) return { member: group.members.get(memberId) ?? newMember(memberId) }
  if (existing.classic === null && existing.memberEpoch !== STATIC_LEAVE_EPOCH) {
    throw new KafkaError(
      ErrorCode.UNRELEASED_INSTANCE_ID,
      `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is ` +
        `owned by ${existing.memberId} member.`,
    )
  }
  const member = replaceStaticMember(group, existing, memberId, records)
  return { member, replaced: existing.memberId === memberId ? undefined : existing.memberId }
}

/** The static member under another member id, with all that it has. */
export function replaceStaticMember(
  group: ConsumerGroup,
  existing: ConsumerMember,
  memberId: string,
  records: ConsumerGroupRecord[],
): ConsumerMember {
  const member = { ...existing, memberId, memberEpoch: 0, previousMemberEpoch: 0 }
  records.push(
    ...memberTombstones(group.groupId, existing.memberId),
    memberMetadataRecord(group.groupId, member),
    targetRecord(group.groupId, memberId, group.target(existing.memberId)),
    currentAssignmentRecord(group.groupId, member),
  )
  return member
}

/** The names that the member had, the very same set, where the request changes nothing. */
function namesOf(request: ConsumerGroupHeartbeatRequest, member: ConsumerMember): ReadonlySet<string> {
  if (request.subscribedTopicNames === null) return member.subscribedTopicNames
  const names = new Set(request.subscribedTopicNames)
  return sameNames(names, member.subscribedTopicNames) ? member.subscribedTopicNames : names
}

interface Topics {
  readonly groupEpoch: number
  readonly subscriptionType: SubscriptionType
  readonly records: readonly ConsumerGroupRecord[]
}

/**
 * Looks at the topics that the group subscribes to, if that is due: when they or the subscriptions have changed, the
 * group's epoch moves on (Kafka's `updateSubscriptionMetadata`).
 */
export function lookAtTopics(
  group: ConsumerGroup,
  member: ConsumerMember,
  updated: ConsumerMember,
  subscriptionChanged: boolean,
  { image, nowMs }: GroupStep,
): Topics | undefined {
  if (!subscriptionChanged && !group.isMetadataStale(nowMs)) return undefined
  const { groupId } = group
  const records: ConsumerGroupRecord[] = []
  const after = new Subscriptions(group.subscriptions)
  after.replace(member, updated)
  for (const pattern of after.resolved.keys()) {
    if (!after.patterns.has(pattern) && group.subscriptions.patterns.has(pattern)) {
      after.resolve(pattern, undefined)
    }
  }
  const hash = group.metadataHashOf(after, image, nowMs)
  const isNew =
    !group.members.has(updated.memberId) &&
    (updated.instanceId === null || !group.staticMembers.has(updated.instanceId))
  const bumps = subscriptionChanged || hash !== group.metadataHash
  const groupEpoch = group.groupEpoch + (bumps ? 1 : 0)
  if (bumps) records.push(groupEpochRecord(groupId, groupEpoch, hash))
  if (group.hasPartitionMetadataRecord) records.push(partitionMetadataTombstone(groupId))
  return { groupEpoch, subscriptionType: after.type(group.members.size + (isNew ? 1 : 0)), records }
}

export function sameAssignment(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a === b ||
    (a.memberEpoch === b.memberEpoch &&
      a.previousMemberEpoch === b.previousMemberEpoch &&
      a.state === b.state &&
      samePartitionEpochs(a.assigned, b.assigned) &&
      samePartitionEpochs(a.pendingRevocation, b.pendingRevocation))
  )
}

/** A member that has to give up partitions has its rebalance timeout to do so. */
function timeRevocation(groupId: string, member: ConsumerMember, step: GroupStep): void {
  const key = consumerRebalanceTimer(groupId, member.memberId)
  if (member.state === MemberState.UNREVOKED_PARTITIONS) step.setTimer(key, member.rebalanceTimeoutMs)
  else step.cancelTimer(key)
}

function logJoin(
  { groupId }: ConsumerGroup,
  { memberId, instanceId, memberEpoch }: ConsumerMember,
  request: ConsumerGroupHeartbeatRequest,
  { logger }: GroupStep,
): void {
  if (request.memberEpoch === 0) {
    logger.info('member joined consumer group', { groupId, memberId, instanceId, memberEpoch })
  }
}

function leave(
  groups: Groups,
  { groupId, memberId, memberEpoch, instanceId }: ConsumerGroupHeartbeatRequest,
  step: GroupStep,
): Answer {
  const group = groups.get(groupId)
  if (group?.type !== 'consumer') {
    throw new KafkaError(
      ErrorCode.GROUP_ID_NOT_FOUND,
      group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`,
    )
  }
  const member =
    instanceId === null ? knownMember(group, memberId) : knownStaticMember(group, memberId, instanceId)
  step.logger.info('member left consumer group', { groupId, memberId, instanceId, memberEpoch })
  if (memberEpoch === STATIC_LEAVE_EPOCH) {
    const left = {
      ...member,
      memberEpoch: STATIC_LEAVE_EPOCH,
      assigned: withEpochsReset(member.assigned),
      pendingRevocation: NO_PARTITION_EPOCHS,
    }
    step.append(currentAssignmentRecord(groupId, left))
  } else fenceMembers(group, [member], step)
  return { errorCode: ErrorCode.NONE, memberId, memberEpoch, heartbeatIntervalMs: 0 }
}
