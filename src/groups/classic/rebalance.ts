import { ErrorCode } from '../../wire/error-codes.ts'
import type { GroupStep } from '../step.ts'
import { joinAnswer, refuseParked, syncAnswer, syncRefusal } from './answers.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, EMPTY_ASSIGNMENT, isParked } from './classic-member.ts'
import { joinTimer, sessionTimer, syncTimer } from './timers.ts'

/**
 * A rebalance from its beginning to the answers of the joins: PreparingRebalance, where everyone has to join within
 * the rebalance timeout, and CompletingRebalance, where everyone has to send a SyncGroup within it again. After
 * Kafka's `GroupMetadataManager.prepareRebalance` and what follows from it.
 */

/** The member's session starts anew. */
export function restartSession(
  group: ClassicGroup,
  member: ClassicMember,
  step: GroupStep,
  timeoutMs = member.sessionTimeoutMs,
): void {
  step.setTimer(sessionTimer(group.groupId, member.memberId), timeoutMs)
}

/** Takes a member out, answering what it has parked, and leaves it to the caller what that means for the group. */
export function removeMember(group: ClassicGroup, member: ClassicMember, step: GroupStep): void {
  // A client that is still there after all joins again as a new member.
  refuseParked(group, member, ErrorCode.UNKNOWN_MEMBER_ID, step)
  group.remove(member.memberId)
  step.cancelTimer(sessionTimer(group.groupId, member.memberId))
}

/** After a member was added or updated, or left: start a rebalance, or see whether the present one can go on. */
export function prepareRebalanceOrCompleteJoin(group: ClassicGroup, reason: string, step: GroupStep): void {
  if (group.canRebalance) prepareRebalance(group, reason, step)
  else completeJoinIfAllJoined(group, step)
}

export function prepareRebalance(group: ClassicGroup, reason: string, step: GroupStep): void {
  // Those who wait for an assignment of this generation won't get it: they have to join again.
  if (group.state === 'CompletingRebalance') {
    resetAssignments(group, ErrorCode.REBALANCE_IN_PROGRESS, step)
  }
  group.pendingSyncMembers.clear()
  step.cancelTimer(syncTimer(group.groupId))

  step.logger.info('preparing to rebalance group', {
    groupId: group.groupId,
    state: group.state,
    generation: group.generationId,
    reason,
  })
  const initial = group.state === 'Empty'
  group.transitionTo('PreparingRebalance', step.nowMs)
  if (initial) {
    // A group begins: its members probably start together, so give them all time to come.
    const delayMs = step.options.initialRebalanceDelayMs
    const remainingMs = Math.max(group.rebalanceTimeoutMs - delayMs, 0)
    group.newMemberAdded = false
    group.initialRebalance = { delayMs, remainingMs }
    step.setTimer(joinTimer(group.groupId), delayMs)
  } else if (group.allMembersJoined) {
    completeJoin(group, step)
  } else {
    step.setTimer(joinTimer(group.groupId), group.rebalanceTimeoutMs)
  }
}

/** An initial rebalance always lasts its delay: more members may come. */
export function completeJoinIfAllJoined(group: ClassicGroup, step: GroupStep): void {
  if (
    group.state === 'PreparingRebalance' &&
    group.initialRebalance === undefined &&
    group.allMembersJoined
  ) {
    completeJoin(group, step)
  }
}

/** The join timer expired: the initial delay, or the rebalance timeout. */
export function joinTimerExpired(group: ClassicGroup, step: GroupStep): void {
  if (group.state !== 'PreparingRebalance') return
  const initial = group.initialRebalance
  if (initial !== undefined && group.newMemberAdded && initial.remainingMs > 0) {
    group.newMemberAdded = false
    const delayMs = Math.min(step.options.initialRebalanceDelayMs, initial.remainingMs)
    group.initialRebalance = { delayMs, remainingMs: Math.max(initial.remainingMs - initial.delayMs, 0) }
    step.setTimer(joinTimer(group.groupId), delayMs)
    return
  }
  completeJoin(group, step)
}

/**
 * Ends the join phase: dynamic members that have not rejoined are out, the next generation begins, and everyone gets
 * its answer. Static members keep their place until their session ends (KIP-345).
 */
export function completeJoin(group: ClassicGroup, step: GroupStep): void {
  step.cancelTimer(joinTimer(group.groupId))
  for (const member of [...group.members.values()]) {
    if (member.awaitingJoin === undefined && member.groupInstanceId === null) {
      step.logger.info('removed group member that has not rejoined', {
        groupId: group.groupId,
        memberId: member.memberId,
      })
      removeMember(group, member, step)
    }
  }
  if (!group.electJoinedLeader() && group.members.size > 0) {
    // Only static members are left and none of them is here: wait until they come or their sessions end.
    group.initialRebalance = undefined
    step.setTimer(joinTimer(group.groupId), group.rebalanceTimeoutMs)
    return
  }

  group.initNextGeneration(step.nowMs)
  if (group.members.size === 0) {
    step.logger.info('group is now empty', { groupId: group.groupId, generation: group.generationId })
    step.append({ type: 'groupMetadata', groupId: group.groupId, value: group.toRecord(new Map()) })
    return
  }
  step.logger.info('stabilized group', {
    groupId: group.groupId,
    generation: group.generationId,
    members: group.members.size,
  })
  for (const member of group.members.values()) {
    const join = group.unparkJoin(member)
    if (join !== undefined) step.reply(join.token, joinAnswer(group, member))
    restartSession(group, member, step)
    member.isNew = false
    group.pendingSyncMembers.add(member.memberId)
  }
  step.setTimer(syncTimer(group.groupId), group.rebalanceTimeoutMs)
}

/** The sync timer expired: who has not sent its SyncGroup is out. */
export function syncTimerExpired(group: ClassicGroup, step: GroupStep): void {
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return
  if (group.pendingSyncMembers.size === 0) return
  const late = [...group.pendingSyncMembers]
  for (const memberId of late) {
    const member = group.members.get(memberId)
    if (member !== undefined) removeMember(group, member, step)
  }
  prepareRebalance(group, `no SyncGroup in time from ${late.join(', ')}`, step)
}

/** The leader's assignment is in the log: everyone who waits gets its part. */
export function propagateAssignments(group: ClassicGroup, step: GroupStep): void {
  for (const member of group.members.values()) {
    const sync = member.awaitingSync
    if (sync === undefined) continue
    member.awaitingSync = undefined
    step.reply(sync.token, syncAnswer(group, member))
    // Its session may have ended, without effect, while its request was parked.
    restartSession(group, member, step)
  }
}

/** Nobody gets an assignment in this generation; those who wait for it are told so. */
export function resetAssignments(group: ClassicGroup, errorCode: number, step: GroupStep): void {
  for (const member of group.members.values()) {
    member.assignment = EMPTY_ASSIGNMENT
    const sync = member.awaitingSync
    if (sync === undefined) continue
    member.awaitingSync = undefined
    step.reply(sync.token, syncRefusal(errorCode))
    restartSession(group, member, step)
  }
}

/** A member's session ended, or a pending member did not come back. */
export function sessionExpired(group: ClassicGroup, memberId: string, step: GroupStep): void {
  if (group.pendingJoinMembers.has(memberId)) {
    group.remove(memberId)
    if (group.state === 'PreparingRebalance' && group.allMembersJoined) completeJoin(group, step)
    return
  }
  const member = group.members.get(memberId)
  if (member === undefined || isParked(member)) return
  step.logger.info('group member failed', { groupId: group.groupId, memberId })
  removeMember(group, member, step)
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') {
    prepareRebalance(group, `session of ${memberId} expired`, step)
  } else if (group.state === 'PreparingRebalance' && group.allMembersJoined) {
    completeJoin(group, step)
  }
}
