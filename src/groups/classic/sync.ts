import type { ReplyToken } from '../../cluster/coordinator/contract.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import type { SyncGroupRequest } from '../../wire/schemas/14-sync-group.ts'
import type { CommandOf } from '../commands.ts'
import { appendErrorToReplyError } from '../refusal.ts'
import type { GroupStep } from '../step.ts'
import { syncAnswer, syncRefusal } from './answers.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, EMPTY_ASSIGNMENT } from './classic-member.ts'
import { prepareRebalance, propagateAssignments, resetAssignments } from './rebalance.ts'
import { syncTimer } from './timers.ts'
import { differs, lacksProtocol, refusalOfMember } from './validation.ts'

/**
 * SyncGroup v0-5 (Kafka's `classicGroupSyncToClassicGroup`). Everyone waits until the leader's assignment is in the
 * log; nothing but that, or a new rebalance, answers them.
 */
export function syncGroup(
  group: ClassicGroup | undefined,
  { request, context }: CommandOf<'syncGroup'>,
  token: ReplyToken,
  step: GroupStep,
): void {
  const refusal = refusalOf(group, request, context.version)
  const member = group?.members.get(request.memberId)
  if (refusal !== ErrorCode.NONE || group === undefined || member === undefined) {
    step.reply(token, syncRefusal(refusal))
    return
  }

  switch (group.state) {
    case 'CompletingRebalance': {
      const earlier = member.awaitingSync
      if (earlier !== undefined) step.reply(earlier.token, syncRefusal(ErrorCode.REBALANCE_IN_PROGRESS))
      member.awaitingSync = { token, version: context.version }
      synced(group, member, step)
      if (group.leaderId === member.memberId) storeAssignments(group, request, step)
      return
    }
    case 'Stable':
      synced(group, member, step)
      step.reply(token, syncAnswer(group, member))
      return
    // refusalOf has refused these; the switch says so to the compiler.
    case 'PreparingRebalance':
    case 'Empty':
      return
    default:
      group.state satisfies never
  }
}

function refusalOf(group: ClassicGroup | undefined, request: SyncGroupRequest, version: number): number {
  if (lacksProtocol(request, version)) return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  if (request.groupId === '') return ErrorCode.INVALID_GROUP_ID
  if (group === undefined || group.state === 'Empty') return ErrorCode.UNKNOWN_MEMBER_ID
  const refusal = refusalOfMember(group, request.memberId, request.groupInstanceId)
  if (refusal !== ErrorCode.NONE) return refusal
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  if (
    differs(request.protocolType, group.protocolType) ||
    differs(request.protocolName, group.protocolName)
  ) {
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  }
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

/** The member has sent its SyncGroup; when all have, nobody can be late any more. */
function synced(group: ClassicGroup, member: ClassicMember, step: GroupStep): void {
  group.pendingSyncMembers.delete(member.memberId)
  if (group.pendingSyncMembers.size === 0) step.cancelTimer(syncTimer(group.groupId))
}

/** The leader's assignment goes to the log first, then to the members. Who is not in it gets an empty one. */
function storeAssignments(group: ClassicGroup, request: SyncGroupRequest, step: GroupStep): void {
  const generationId = group.generationId
  const assignments = new Map<string, Buffer>()
  for (const { memberId, assignment } of request.assignments) {
    assignments.set(memberId, Buffer.from(assignment))
  }
  for (const memberId of group.members.keys()) {
    if (!assignments.has(memberId)) {
      step.logger.warn('leader assigned nothing to group member', { groupId: group.groupId, memberId })
    }
  }
  step.append({ type: 'groupMetadata', groupId: group.groupId, value: group.toRecord(assignments) })
  step.whenWritten((errorCode, after) => {
    // A join or a leave may have started the next rebalance while the record was written.
    if (group.state !== 'CompletingRebalance' || group.generationId !== generationId) return
    if (errorCode !== ErrorCode.NONE) {
      const refusal = appendErrorToReplyError(errorCode)
      resetAssignments(group, refusal, after)
      prepareRebalance(group, `the assignment could not be stored (error ${errorCode})`, after)
      return
    }
    for (const member of group.members.values()) {
      member.assignment = assignments.get(member.memberId) ?? EMPTY_ASSIGNMENT
    }
    group.transitionTo('Stable', after.nowMs)
    after.counts.completedRebalances++
    propagateAssignments(group, after)
  })
}
