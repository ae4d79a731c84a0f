import { ErrorCode } from '../../wire/error-codes.ts'
import type { SyncGroupResponseInput } from '../../wire/schemas/14-sync-group.ts'
import { syncRefusal } from '../classic/answers.ts'
import { CONSUMER_PROTOCOL_TYPE } from '../classic/classic-group.ts'
import { differs, lacksProtocol } from '../classic/validation.ts'
import type { CommandOf } from '../commands.ts'
import type { ConsumerGroup } from '../consumer/consumer-group.ts'
import { restartSession } from '../consumer/fence.ts'
import { type ConsumerMember, MemberState } from '../consumer/member.ts'
import { partitionLists } from '../consumer/partition-epochs.ts'
import { consumerSyncTimer } from '../consumer/timers.ts'
import type { GroupStep } from '../step.ts'
import { encodeAssignment } from './consumer-protocol.ts'
import { awaitJoin } from './rejoin.ts'
import { classicMemberOf } from './validation.ts'

/**
 * SyncGroup of a classic member at a consumer group (Kafka's `classicGroupSyncToConsumerGroup`): it gets what it owns in
 * its present epoch. What it says of others is not looked at.
 */
export function syncConsumerGroup(
  group: ConsumerGroup,
  { request, context }: CommandOf<'syncGroup'>,
  step: GroupStep,
): SyncGroupResponseInput {
  const { groupId } = group
  if (lacksProtocol(request, context.version)) return syncRefusal(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  const found = classicMemberOf(group, request)
  if (found.member === undefined) return syncRefusal(found.errorCode)
  const { member, classic } = found
  const protocol = classic.supportedProtocols[0]!
  if (differs(request.protocolType, CONSUMER_PROTOCOL_TYPE) || differs(request.protocolName, protocol.name)) {
    return syncRefusal(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
  }
  if (mustRejoin(group, member)) {
    awaitJoin(group, member, step)
    return syncRefusal(ErrorCode.REBALANCE_IN_PROGRESS)
  }
  step.cancelTimer(consumerSyncTimer(groupId, member.memberId))
  restartSession(groupId, member.memberId, step, classic.sessionTimeoutMs)
  const assigned = new Map(partitionLists(member.assigned).map((each) => [each.topicId, each.partitions]))
  return {
    errorCode: ErrorCode.NONE,
    protocolType: request.protocolType,
    protocolName: request.protocolName,
    assignment: encodeAssignment(assigned, protocol.metadata, step.image),
  }
}

/** A member that gives up partitions has joined for the new assignment already, and joins again when it has. */
function mustRejoin(group: ConsumerGroup, { memberEpoch, state }: ConsumerMember): boolean {
  return group.assignmentEpoch > memberEpoch && state !== MemberState.UNREVOKED_PARTITIONS
}
