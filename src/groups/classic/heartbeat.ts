import { ErrorCode } from '../../wire/error-codes.ts'
import type { HeartbeatRequest, HeartbeatResponseInput } from '../../wire/schemas/12-heartbeat.ts'
import type { GroupStep } from '../step.ts'
import type { ClassicGroup } from './classic-group.ts'
import { restartSession } from './rebalance.ts'
import { refusalOfMember } from './validation.ts'

/**
 * Heartbeat v0-4. A member that is told to rejoin keeps its session: it has until the rebalance timeout to do so. One
 * that has joined and waits for its assignment heartbeats as usual.
 */
export function heartbeat(
  group: ClassicGroup | undefined,
  request: HeartbeatRequest,
  step: GroupStep,
): HeartbeatResponseInput {
  if (request.groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID }
  if (group === undefined) return { errorCode: ErrorCode.UNKNOWN_MEMBER_ID }
  const refusal = refusalOfMember(group, request.memberId, request.groupInstanceId)
  const member = group.members.get(request.memberId)
  if (refusal !== ErrorCode.NONE || member === undefined) return { errorCode: refusal }
  if (request.generationId !== group.generationId) return { errorCode: ErrorCode.ILLEGAL_GENERATION }
  restartSession(group, member, step)
  return {
    errorCode: group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE,
  }
}
