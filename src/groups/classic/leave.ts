import { ErrorCode } from '../../wire/error-codes.ts'
import type { LeaveGroupRequest, LeaveGroupResponseInput } from '../../wire/schemas/13-leave-group.ts'
import type { CommandOf } from '../commands.ts'
import type { GroupStep } from '../step.ts'
import type { ClassicGroup } from './classic-group.ts'
import { completeJoinIfAllJoined, prepareRebalance, removeMember } from './rebalance.ts'
import { sessionTimer } from './timers.ts'
import { refusalOfMember } from './validation.ts'

export interface Leaver {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly reason: string | null
}

/**
 * LeaveGroup v0-5: one member until v2, several from v3 on, each with its own result. An administrator removes a
 * static member by its instance id alone.
 */
export function leaveGroup(
  group: ClassicGroup | undefined,
  { request, context }: CommandOf<'leaveGroup'>,
  step: GroupStep,
): LeaveGroupResponseInput {
  if (request.groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID }
  const results = leaversOf(request, context.version).map((leaver) => ({
    memberId: leaver.memberId,
    groupInstanceId: leaver.groupInstanceId,
    errorCode: group === undefined ? ErrorCode.UNKNOWN_MEMBER_ID : leave(group, leaver, step),
  }))

  const left = results.filter(({ errorCode }) => errorCode === ErrorCode.NONE)
  if (group !== undefined && left.length > 0) {
    if (group.state === 'PreparingRebalance') completeJoinIfAllJoined(group, step)
    else if (group.state !== 'Empty') {
      prepareRebalance(group, `members left: ${left.map(nameOf).join(', ')}`, step)
    }
  }
  if (context.version >= 3) return { errorCode: ErrorCode.NONE, members: results }
  return { errorCode: results[0]?.errorCode ?? ErrorCode.NONE }
}

/** Who is to leave: the sender alone before v3. */
export function leaversOf(request: LeaveGroupRequest, version: number): readonly Leaver[] {
  if (version >= 3) return request.members
  return [{ memberId: request.memberId, groupInstanceId: null, reason: null }]
}

function leave(group: ClassicGroup, { memberId, groupInstanceId, reason }: Leaver, step: GroupStep): number {
  if (group.pendingJoinMembers.has(memberId)) {
    group.remove(memberId)
    step.cancelTimer(sessionTimer(group.groupId, memberId))
    return ErrorCode.NONE
  }
  const byInstance = memberId === '' && groupInstanceId !== null
  const leavingId = byInstance ? (group.staticMembers.get(groupInstanceId) ?? '') : memberId
  const refusal = refusalOfMember(group, leavingId, groupInstanceId)
  const member = group.members.get(leavingId)
  if (refusal !== ErrorCode.NONE || member === undefined) return refusal
  step.logger.info('member left group', {
    groupId: group.groupId,
    memberId: leavingId,
    reason: reason ?? 'not provided',
  })
  removeMember(group, member, step)
  return ErrorCode.NONE
}

function nameOf(leaver: { readonly memberId: string; readonly groupInstanceId: string | null }): string {
  return leaver.memberId || leaver.groupInstanceId || ''
}
