import type { MetadataImage } from '../../cluster/metadata/image.ts'
import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import { NO_PARTITIONS, type TopicPartitions } from '../assignor/assignor.ts'
import { refuseParked } from '../classic/answers.ts'
import { type ClassicGroup, CONSUMER_PROTOCOL_TYPE } from '../classic/classic-group.ts'
import { type ClassicMember, metadataFor } from '../classic/classic-member.ts'
import { joinTimer, sessionTimer, syncTimer } from '../classic/timers.ts'
import { ConsumerGroup } from '../consumer/consumer-group.ts'
import { restartSession } from '../consumer/fence.ts'
import { type ConsumerMember, newMember } from '../consumer/member.ts'
import { withEpoch } from '../consumer/partition-epochs.ts'
import type { GroupStep } from '../step.ts'
import { metadataHash } from '../topic-hash.ts'
import { decodeAssignment, decodeSubscription, partitionsById } from './consumer-protocol.ts'
import { allowsUpgrade } from './policy.ts'

/**
 * A classic group as a consumer group, for the first member of the new protocol that joins it (Kafka's
 * `convertToConsumerGroup`). Its generation becomes the epoch; members stay, with the protocols that they offer, and own
 * what the leader assigned them last. Nothing is changed here; the group that the log makes is another object.
 *
 * Throws GROUP_ID_NOT_FOUND where the group stays what it is.
 */
export function upgradedGroup(classic: ClassicGroup, step: GroupStep): ConsumerGroup {
  checkUpgrade(classic, step)
  const { groupId, generationId } = classic
  const group = new ConsumerGroup(groupId)
  group.groupEpoch = generationId
  const owners = new Map<string, string>()
  for (const member of classic.members.values()) {
    const { upgraded, target } = upgradedMember(classic, member, step.image)
    claim(owners, target, classic, member)
    group.setTarget(upgraded.memberId, target)
    group.setMember(upgraded)
  }
  group.setAssignmentEpoch(generationId, 0)
  group.metadataHash = metadataHash(group.subscriptions.topicNames, step.image)
  return group
}

/**
 * The members of the classic group go on in the consumer group: those that wait for a rebalance are told of the next one,
 * and all have their session timeout to be heard of. The timers of the classic group would do nothing any more, unless
 * it were one again.
 */
export function membersUpgraded(classic: ClassicGroup, step: GroupStep): void {
  const { groupId } = classic
  const memberIds = [...classic.members.keys(), ...classic.pendingJoinMembers]
  for (const member of classic.members.values()) {
    refuseParked(classic, member, ErrorCode.REBALANCE_IN_PROGRESS, step, member.memberId)
    restartSession(groupId, member.memberId, step, member.sessionTimeoutMs)
  }
  step.whenWritten((errorCode, after) => {
    if (errorCode !== ErrorCode.NONE) return
    after.cancelTimer(joinTimer(groupId))
    after.cancelTimer(syncTimer(groupId))
    for (const memberId of memberIds) after.cancelTimer(sessionTimer(groupId, memberId))
  })
  step.logger.info('classic group became a consumer group', { groupId, members: classic.members.size })
}

function checkUpgrade(group: ClassicGroup, { options }: GroupStep): void {
  const { migrationPolicy, maxSize } = options.consumer
  if (!allowsUpgrade(migrationPolicy)) throw cannotUpgrade(group, 'online upgrade is disabled')
  if (group.protocolType !== CONSUMER_PROTOCOL_TYPE) {
    throw cannotUpgrade(group, 'the group does not use the consumer embedded protocol')
  }
  if (group.members.size > maxSize) {
    throw cannotUpgrade(group, 'the group size exceeds the consumer group maximum size')
  }
}

function cannotUpgrade({ groupId }: ClassicGroup, reason: string): KafkaError {
  return new KafkaError(
    ErrorCode.GROUP_ID_NOT_FOUND,
    `Cannot upgrade classic group ${groupId} to consumer group because ${reason}.`,
  )
}

function upgradedMember(
  group: ClassicGroup,
  member: ClassicMember,
  image: MetadataImage,
): { readonly upgraded: ConsumerMember; readonly target: TopicPartitions } {
  // Before the first generation no protocol is chosen; all that a consumer offers have the same subscription.
  const protocolName = group.protocolName ?? member.protocols[0]?.name ?? null
  const subscription = decodeSubscription(metadataFor(member, protocolName))
  if (subscription === undefined) throw malformed(group)
  const target = assignmentOf(group, member, image)
  const upgraded: ConsumerMember = {
    ...newMember(member.memberId),
    memberEpoch: group.generationId,
    previousMemberEpoch: group.generationId,
    instanceId: member.groupInstanceId,
    rackId: subscription.rackId || null,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    subscribedTopicNames: new Set(subscription.topics),
    assigned: withEpoch(target, group.generationId),
    classic: { sessionTimeoutMs: member.sessionTimeoutMs, supportedProtocols: [...member.protocols] },
  }
  return { upgraded, target }
}

/** What the leader assigned to the member; nothing before its first SyncGroup was answered. */
function assignmentOf(group: ClassicGroup, member: ClassicMember, image: MetadataImage): TopicPartitions {
  if (member.assignment.length === 0) return NO_PARTITIONS
  const assignment = decodeAssignment(member.assignment)
  if (assignment === undefined) throw malformed(group)
  if (assignment.userData !== null && assignment.userData.length > 0) {
    throw cannotUpgrade(
      group,
      'an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor ' +
        'before re-attempting the upgrade',
    )
  }
  return partitionsById(assignment.assignedPartitions, image)
}

function malformed(group: ClassicGroup): KafkaError {
  return cannotUpgrade(group, 'the embedded consumer protocol is malformed')
}

/** A leader may assign as it likes, but in a consumer group a partition has one owner. */
function claim(
  owners: Map<string, string>,
  partitions: TopicPartitions,
  group: ClassicGroup,
  { memberId }: ClassicMember,
): void {
  for (const [topicId, list] of partitions) {
    for (const partition of list) {
      const key = `${topicId} ${partition}`
      if (owners.has(key)) {
        throw cannotUpgrade(group, `members ${owners.get(key)} and ${memberId} have the same partition`)
      }
      owners.set(key, memberId)
    }
  }
}
