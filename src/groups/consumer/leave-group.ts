import { ErrorCode, KafkaError } from '../../wire/error-codes.ts'
import { type Leaver, leaversOf } from '../classic/leave.ts'
import type { CommandOf, GroupReplies } from '../commands.ts'
import type { GroupStep } from '../step.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { fenceMembers } from './fence.ts'
import type { ConsumerMember } from './member.ts'
import { knownMember, knownStaticMember } from './validation.ts'

/**
 * LeaveGroup at a consumer group: from an administrator, for members of either protocol (Kafka's
 * `classicGroupLeaveToConsumerGroup`). A static member may be named by its instance id alone.
 */
export function leaveConsumerGroup(
  group: ConsumerGroup,
  { request, context }: CommandOf<'leaveGroup'>,
  step: GroupStep,
): GroupReplies['leaveGroup'] {
  const left = new Set<ConsumerMember>()
  const results = leaversOf(request, context.version).map((leaver) => {
    let errorCode: number = ErrorCode.NONE
    try {
      left.add(memberOf(group, leaver))
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      errorCode = error.code
    }
    return { memberId: leaver.memberId, groupInstanceId: leaver.groupInstanceId, errorCode }
  })
  for (const { memberId } of left) {
    step.logger.info('member removed from consumer group', { groupId: group.groupId, memberId })
  }
  fenceMembers(group, [...left], step)
  if (context.version >= 3) return { errorCode: ErrorCode.NONE, members: results }
  return { errorCode: results[0]?.errorCode ?? ErrorCode.NONE }
}

function memberOf(group: ConsumerGroup, { memberId, groupInstanceId }: Leaver): ConsumerMember {
  if (groupInstanceId === null) return knownMember(group, memberId)
  const named = memberId === '' ? group.staticMembers.get(groupInstanceId) : undefined
  return knownStaticMember(group, named ?? memberId, groupInstanceId)
}
