import type { ReplyToken } from '../../cluster/coordinator/contract.ts'
import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import type { JoinGroupRequest, JoinGroupResponseInput } from '../../wire/schemas/11-join-group.ts'
import { joinRefusal } from '../classic/answers.ts'
import { CONSUMER_PROTOCOL_TYPE } from '../classic/classic-group.ts'
import { copyProtocols } from '../classic/classic-member.ts'
import type { CommandOf } from '../commands.ts'
import type { ConsumerGroup } from '../consumer/consumer-group.ts'
import { restartSession } from '../consumer/fence.ts'
import { lookAtTopics, replaceStaticMember, sameAssignment } from '../consumer/heartbeat.ts'
import { type ConsumerMember, newMember, sameMetadata, sameNames } from '../consumer/member.ts'
import type { GroupPatterns } from '../consumer/patterns.ts'
import { reconcile } from '../consumer/reconcile.ts'
import { currentAssignmentRecord, memberMetadataRecord } from '../consumer/record-builders.ts'
import type { ConsumerGroupRecord } from '../consumer/records.ts'
import { continueAssignment, type MemberTarget, targetOf } from '../consumer/target-assignment.ts'
import { cancelTimers, consumerSyncTimer } from '../consumer/timers.ts'
import { checkRoom, knownStaticMember } from '../consumer/validation.ts'
import { appendErrorToReplyError } from '../refusal.ts'
import type { GroupStep } from '../step.ts'
import { decodeSubscription, partitionsById } from './consumer-protocol.ts'
import { downgrade, downgradesReplacing } from './downgrade.ts'
import { joined } from './rejoin.ts'

type JoinGroup = CommandOf<'joinGroup'>

/**
 * JoinGroup of a classic member at a consumer group that has members (Kafka's `classicGroupJoinToConsumerGroup`). The
 * coordinator assigns; there is no leader. The member is moved towards its target as one of the new protocol is, by
 * joining again each time that its heartbeat is told of a rebalance.
 */
export function joinConsumerGroup(
  group: ConsumerGroup,
  patterns: GroupPatterns,
  command: JoinGroup,
  token: ReplyToken,
  step: GroupStep,
): void {
  const { version } = command.context
  try {
    step.reply(token, join(group, patterns, command, step))
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    step.reply(token, joinRefusal(error.code, '', version))
    return
  }
  if (!step.awaitsWrite) return
  step.whenWritten((errorCode, after) => {
    if (errorCode === ErrorCode.NONE) return
    after.reply(token, joinRefusal(appendErrorToReplyError(errorCode), '', version))
  })
}

function join(
  group: ConsumerGroup,
  patterns: GroupPatterns,
  { request, context, uuid }: JoinGroup,
  step: GroupStep,
): JoinGroupResponseInput {
  const { groupId } = group
  const { groupInstanceId: instanceId } = request
  if (step.options.consumer.migrationPolicy === 'disabled')
    throw inconsistent('the group migration is disabled')
  const isUnknown = request.memberId === ''
  const memberId = isUnknown ? uuid : request.memberId
  checkRoom(group, memberId, step.options.consumer.maxSize)
  checkProtocols(group, request)
  if (isUnknown && instanceId === null && context.version >= FIRST_VERSION_WITH_KNOWN_ID) {
    return joinRefusal(ErrorCode.MEMBER_ID_REQUIRED, memberId, context.version)
  }
  const subscription = decodeSubscription(request.protocols[0]!.metadata)
  if (subscription === undefined) {
    throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, 'Malformed embedded consumer protocol.')
  }

  const records: ConsumerGroupRecord[] = []
  const { member, replaced } = subjectOf(group, memberId, instanceId, isUnknown, records)
  const names = new Set(subscription.topics)
  const updated: ConsumerMember = {
    ...member,
    instanceId: instanceId ?? member.instanceId,
    rackId: subscription.rackId || member.rackId,
    rebalanceTimeoutMs: context.version === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    subscribedTopicNames: sameNames(names, member.subscribedTopicNames) ? member.subscribedTopicNames : names,
    subscribedTopicRegex: '',
    clientId: context.clientId,
    clientHost: context.clientHost,
    classic: {
      sessionTimeoutMs: request.sessionTimeoutMs,
      supportedProtocols: copyProtocols(request.protocols),
    },
  }
  if (!sameMetadata(member, updated)) records.push(memberMetadataRecord(groupId, updated))
  const namesChanged = member.subscribedTopicNames !== updated.subscribedTopicNames
  const pattern = patterns.memberUpdated(group, member, updated, records, step)
  const subscriptionChanged = namesChanged || pattern.change !== 'none'
  const topics = lookAtTopics(group, member, updated, subscriptionChanged, step)
  if (topics !== undefined) records.push(...topics.records)
  const groupEpoch = topics?.groupEpoch ?? group.groupEpoch

  const downgrades = replaced !== undefined && downgradesReplacing(group, replaced, step)
  const isStale = group.assignmentEpoch < groupEpoch
  const { epoch, target, run }: MemberTarget = downgrades
    ? { epoch: group.assignmentEpoch, target: group.target(replaced.memberId) }
    : targetOf(group, groupEpoch, member, updated, topics?.subscriptionType, step, records)
  // A group that rebalances anyway when it is a classic one needs no step towards what was the target.
  const next =
    downgrades && isStale
      ? updated
      : reconcile({
          group,
          member: updated,
          target,
          targetEpoch: epoch,
          subscriptionChanged,
          owned: ownedPartitions(subscription.ownedPartitions, step),
          image: step.image,
        })
  if (!sameAssignment(updated, next)) records.push(currentAssignmentRecord(groupId, next))

  for (const record of records) step.append(record)
  if (replaced !== undefined && replaced.memberId !== memberId) cancelTimers(groupId, replaced.memberId, step)
  if (groupEpoch !== group.groupEpoch) step.counts.consumerRebalances++
  step.logger.info('classic member joined consumer group', { groupId, memberId, instanceId })
  if (downgrades) {
    const rebalanceReason = isStale ? 'the consumer group was about to be assigned' : null
    const replacement = { replaced, joining: next }
    downgrade(group, { leaving: [], replacement, rebalanceReason }, step)
  } else {
    if (topics !== undefined) group.metadataLookedAt(step.nowMs, groupEpoch)
    if (pattern.resolve.length > 0) patterns.start(groupId, pattern.resolve, step)
    if (run !== undefined) continueAssignment(group, run, step)
    joined(group, memberId, step)
    restartSession(groupId, memberId, step, request.sessionTimeoutMs)
    step.setTimer(consumerSyncTimer(groupId, memberId), updated.rebalanceTimeoutMs)
  }
  return {
    errorCode: ErrorCode.NONE,
    memberId,
    generationId: next.memberEpoch,
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName: request.protocols[0]!.name,
    leader: '',
    members: [],
  }
}

/** Dynamic members come back with the id that they were given (KIP-394). */
const FIRST_VERSION_WITH_KNOWN_ID = 4

/** The member has to be a consumer that offers a protocol of all classic members. */
function checkProtocols(group: ConsumerGroup, { protocolType, protocols }: JoinGroupRequest): void {
  const offers = new Map<string, number>()
  for (const { classic } of group.members.values()) {
    for (const name of new Set(classic?.supportedProtocols.map((protocol) => protocol.name))) {
      offers.set(name, (offers.get(name) ?? 0) + 1)
    }
  }
  const isCommon = protocols.some(({ name }) => (offers.get(name) ?? 0) === group.classicMemberCount)
  if (protocolType !== CONSUMER_PROTOCOL_TYPE || !isCommon)
    throw inconsistent('its protocols are not supported')
}

function inconsistent(reason: string): KafkaError {
  return new KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, `Cannot join the consumer group: ${reason}.`)
}

/** A static member without a member id takes the place of the one that has its instance id, whatever protocol that has. */
function subjectOf(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
  isUnknown: boolean,
  records: ConsumerGroupRecord[],
): { readonly member: ConsumerMember; readonly replaced?: ConsumerMember } {
  if (instanceId !== null && !isUnknown) {
    const member = knownStaticMember(group, memberId, instanceId)
    return { member, replaced: member }
  }
  const existing = instanceId === null ? undefined : group.staticMember(instanceId)
  if (existing === undefined) return { member: group.members.get(memberId) ?? newMember(memberId) }
  return { member: replaceStaticMember(group, existing, memberId, records), replaced: existing }
}

function ownedPartitions(
  owned: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  { image }: GroupStep,
): { readonly topicId: string; readonly partitions: readonly number[] }[] {
  return Array.from(partitionsById(owned, image), ([topicId, partitions]) => ({ topicId, partitions }))
}
