import { ErrorCode } from '../../wire/error-codes.ts'
import type { HeartbeatRequest, HeartbeatResponseInput } from '../../wire/schemas/12-heartbeat.ts'
import type { ConsumerGroup } from '../consumer/consumer-group.ts'
import { restartSession } from '../consumer/fence.ts'
import { type ConsumerMember, MemberState } from '../consumer/member.ts'
import type { GroupStep } from '../step.ts'
import { awaitJoin } from './rejoin.ts'
import { classicMemberOf } from './validation.ts'

/** Heartbeat of a classic member at a consumer group (Kafka's `classicGroupHeartbeatToConsumerGroup`). */
export function heartbeatToConsumerGroup(
  group: ConsumerGroup,
  request: HeartbeatRequest,
  step: GroupStep,
): HeartbeatResponseInput {
  const found = classicMemberOf(group, request)
  if (found.member === undefined) return { errorCode: found.errorCode }
  const { member, classic } = found
  restartSession(group.groupId, member.memberId, step, classic.sessionTimeoutMs)
  if (!mustRejoin(group, member)) return { errorCode: ErrorCode.NONE }
  awaitJoin(group, member, step)
  return { errorCode: ErrorCode.REBALANCE_IN_PROGRESS }
}

/** There is a newer assignment, or it has partitions to give up, or all that it waits for are free now. */
function mustRejoin(group: ConsumerGroup, member: ConsumerMember): boolean {
  return (
    member.memberEpoch < group.assignmentEpoch ||
    member.state === MemberState.UNREVOKED_PARTITIONS ||
    (member.state === MemberState.UNRELEASED_PARTITIONS && !waitsForOthers(group, member))
  )
}

function waitsForOthers(group: ConsumerGroup, { memberId, assigned }: ConsumerMember): boolean {
  for (const [topicId, partitions] of group.target(memberId)) {
    for (const partition of partitions) {
      if (assigned.get(topicId)?.has(partition) !== true && group.isOwned(topicId, partition)) return true
    }
  }
  return false
}
