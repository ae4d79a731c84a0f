import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import type { ConsumerGroupHeartbeatRequest } from '../../wire/schemas/68-consumer-group-heartbeat.ts'
import type { PartitionAssignor } from '../assignor/assignor.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, LEAVE_EPOCH, STATIC_LEAVE_EPOCH } from './member.ts'
import type { PartitionEpochs } from './partition-epochs.ts'
import type { OwnedPartitions } from './reconcile.ts'

/** All of these throw KafkaError with Kafka's code and text. */

/** What can be said of a ConsumerGroupHeartbeat without its group (Kafka's `GroupCoordinatorService`). */
export function checkRequest(
  request: ConsumerGroupHeartbeatRequest,
  version: number,
  assignors: readonly PartitionAssignor[],
): void {
  const { memberEpoch, serverAssignor } = request
  if (version >= 1 || memberEpoch > 0 || memberEpoch === LEAVE_EPOCH) {
    refuseEmpty(request.memberId, "MemberId can't be empty.")
  }
  refuseEmpty(request.groupId, "GroupId can't be empty.")
  refuseEmpty(request.instanceId, "InstanceId can't be empty.")
  refuseEmpty(request.rackId, "RackId can't be empty.")
  if (memberEpoch === 0) {
    if (request.rebalanceTimeoutMs === -1) {
      throw invalid('RebalanceTimeoutMs must be provided in first request.')
    }
    if (request.topicPartitions === null || request.topicPartitions.length > 0) {
      throw invalid('TopicPartitions must be empty when (re-)joining.')
    }
    if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
      throw invalid('Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.')
    }
  } else if (memberEpoch === STATIC_LEAVE_EPOCH) {
    if (request.instanceId === null) throw invalid("InstanceId can't be null.")
  } else if (memberEpoch < STATIC_LEAVE_EPOCH) {
    throw invalid('MemberEpoch is invalid.')
  }
  if (serverAssignor !== null && !assignors.some(({ name }) => name === serverAssignor)) {
    const names = assignors.map(({ name }) => name).join(', ')
    throw new KafkaError(
      ErrorCode.UNSUPPORTED_ASSIGNOR,
      `ServerAssignor ${serverAssignor.slice(0, 1000)} is not supported. Supported assignors: ${names}.`,
    )
  }
}

function refuseEmpty(value: string | null, message: string): void {
  if (value !== null && value.trim() === '') throw invalid(message)
}

function invalid(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, message)
}

/**
 * A member has to be in the epoch that it was told. The one before is allowed if all that the member says it owns is
 * still its own: the answer that told it of the new epoch may have been lost.
 */
export function checkMemberEpoch(
  member: ConsumerMember,
  memberEpoch: number,
  owned: OwnedPartitions | null,
): void {
  if (memberEpoch === 0 || memberEpoch === member.memberEpoch) return
  const isLate = memberEpoch < member.memberEpoch
  if (isLate && memberEpoch === member.previousMemberEpoch && ownsAll(member.assigned, owned)) return
  throw new KafkaError(
    ErrorCode.FENCED_MEMBER_EPOCH,
    `The consumer group member has a ${isLate ? 'smaller' : 'greater'} member epoch (${memberEpoch}) than the one ` +
      `known by the group coordinator (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  )
}

function ownsAll(assigned: PartitionEpochs, owned: OwnedPartitions | null): boolean {
  if (owned === null) return false
  return owned.every(({ topicId, partitions }) => {
    const epochs = assigned.get(topicId)
    return epochs !== undefined && partitions.every((partition) => epochs.has(partition))
  })
}

/** The member of this id, which has to be one. */
export function knownMember(group: ConsumerGroup, memberId: string): ConsumerMember {
  const member = group.members.get(memberId)
  if (member !== undefined) return member
  throw new KafkaError(
    ErrorCode.UNKNOWN_MEMBER_ID,
    `Member ${memberId} is not a member of group ${group.groupId}.`,
  )
}

/** The static member of this instance id, which has to be this very member. */
export function knownStaticMember(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string,
): ConsumerMember {
  const member = group.staticMember(instanceId)
  if (member === undefined) {
    throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
  }
  if (member.memberId !== memberId) {
    throw new KafkaError(
      ErrorCode.FENCED_INSTANCE_ID,
      `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`,
    )
  }
  return member
}

export function checkRoom(group: ConsumerGroup, memberId: string, maxSize: number): void {
  if (group.members.size < maxSize || group.members.has(memberId)) return
  throw new KafkaError(
    ErrorCode.GROUP_MAX_SIZE_REACHED,
    `The consumer group has reached its maximum capacity of ${maxSize} members.`,
  )
}

export interface MemberCommit {
  /** '' for none. */
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly memberEpoch: number
  readonly isTransactional: boolean
  /** Version of the OffsetCommit. */
  readonly version: number
}

/** The first version of OffsetCommit that members of the new protocol may use. */
const FIRST_COMMIT_VERSION = 9

/**
 * Why a commit is refused, for each partition by itself (Kafka's `ConsumerGroup.validateOffsetCommit`): of a member in
 * its present epoch, any partition is accepted; in an earlier one, those that it has had since then.
 */
export function commitCheck(
  group: ConsumerGroup,
  commit: MemberCommit,
): (topicId: string, partition: number) => number {
  const { memberId, memberEpoch, isTransactional, version } = commit
  const accepted = () => ErrorCode.NONE
  if (memberEpoch < 0 && group.members.size === 0) return accepted
  if (isTransactional && memberEpoch === -1 && memberId === '' && commit.groupInstanceId === null) {
    return accepted
  }
  const member = group.members.get(memberId)
  if (member === undefined) return () => ErrorCode.UNKNOWN_MEMBER_ID
  if (!isTransactional && member.classic === null && version < FIRST_COMMIT_VERSION) {
    return () => ErrorCode.UNSUPPORTED_VERSION
  }
  if (memberEpoch === member.memberEpoch) return accepted
  const stale = staleEpochError(member)
  if (memberEpoch > member.memberEpoch) return () => stale
  return (topicId, partition) => {
    const since =
      member.assigned.get(topicId)?.get(partition) ?? member.pendingRevocation.get(topicId)?.get(partition)
    return since === undefined || memberEpoch < since ? stale : ErrorCode.NONE
  }
}

/** Why a member may not read the group's offsets; NONE when it may. `memberId` is null for who is no member. */
export function fetchRefusal(group: ConsumerGroup, memberId: string | null, memberEpoch: number): number {
  if (memberId === null && memberEpoch < 0) return ErrorCode.NONE
  const member = group.members.get(memberId ?? '')
  if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
  return memberEpoch === member.memberEpoch ? ErrorCode.NONE : staleEpochError(member)
}

/** What members of the classic protocol know as a wrong generation. */
function staleEpochError(member: ConsumerMember): number {
  return member.classic === null ? ErrorCode.STALE_MEMBER_EPOCH : ErrorCode.ILLEGAL_GENERATION
}
