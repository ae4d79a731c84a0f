import type { ReplyToken } from '../../cluster/coordinator/contract.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import type { CommandOf } from '../commands.ts'
import type { GroupPatterns } from '../consumer/patterns.ts'
import { groupTombstones } from '../consumer/record-builders.ts'
import { classicGroup, type Groups } from '../group.ts'
import { joinConsumerGroup } from '../migration/join.ts'
import { NEW_MEMBER_JOIN_TIMEOUT_MS } from '../options.ts'
import { appendErrorToReplyError } from '../refusal.ts'
import type { GroupStep } from '../step.ts'
import { joinAnswer, joinRefusal, refuseParked } from './answers.ts'
import { ClassicGroup } from './classic-group.ts'
import {
  type ClassicMember,
  copyProtocols,
  EMPTY_ASSIGNMENT,
  type ParkedRequest,
  sameProtocols,
} from './classic-member.ts'
import {
  completeJoinIfAllJoined,
  prepareRebalance,
  prepareRebalanceOrCompleteJoin,
  removeMember,
  restartSession,
} from './rebalance.ts'
import { sessionTimer } from './timers.ts'
import { refusalOfMember } from './validation.ts'

type JoinGroup = CommandOf<'joinGroup'>

/** One join on its way: what it asks, who waits for it, and in which step. */
interface Join {
  readonly command: JoinGroup
  readonly parked: ParkedRequest
  readonly step: GroupStep
}

/**
 * JoinGroup v0-9 (Kafka's `classicGroupJoinToClassicGroup`): member id required from v4 on for dynamic members,
 * static members from v5 (KIP-345), the reason from v8, skipAssignment in v9 (KIP-814).
 */
export function joinGroup(
  groups: Groups,
  patterns: GroupPatterns,
  command: JoinGroup,
  token: ReplyToken,
  step: GroupStep,
): void {
  const { request } = command
  const join: Join = { command, parked: { token, version: command.context.version }, step }
  if (request.groupId === '') {
    refuse(join, ErrorCode.INVALID_GROUP_ID, request.memberId)
    return
  }
  const { minSessionTimeoutMs, maxSessionTimeoutMs } = step.options
  if (request.sessionTimeoutMs < minSessionTimeoutMs || request.sessionTimeoutMs > maxSessionTimeoutMs) {
    refuse(join, ErrorCode.INVALID_SESSION_TIMEOUT, request.memberId)
    return
  }

  const found = groups.get(request.groupId)
  if (found?.type === 'consumer' && found.state !== 'Empty') {
    joinConsumerGroup(found, patterns, command, token, step)
    return
  }
  const group = classicGroup(groups, request.groupId)
  if (group === undefined) {
    joinNewGroup(groups, join)
    return
  }
  if (!accepts(group, request.memberId, step.options.maxSize)) {
    const member = group.members.get(request.memberId)
    if (member !== undefined) removeMember(group, member, step)
    else if (group.pendingJoinMembers.has(request.memberId)) {
      group.remove(request.memberId)
      step.cancelTimer(sessionTimer(group.groupId, request.memberId))
    }
    refuse(join, ErrorCode.GROUP_MAX_SIZE_REACHED, '')
    return
  }
  if (!group.supportsProtocols(request.protocolType, request.protocols)) {
    refuse(join, ErrorCode.INCONSISTENT_GROUP_PROTOCOL, request.memberId)
    return
  }
  if (request.memberId === '') joinNewMember(group, join)
  else joinKnownMember(group, join)
}

function refuse({ parked, step }: Join, errorCode: number, memberId: string): void {
  step.reply(parked.token, joinRefusal(errorCode, memberId, parked.version))
}

/** A group comes into being with its first member, and with a record that says that it exists and is empty. */
function joinNewGroup(groups: Groups, join: Join): void {
  const { step } = join
  const { request } = join.command
  if (request.memberId !== '') {
    refuse(join, ErrorCode.UNKNOWN_MEMBER_ID, request.memberId)
    return
  }
  const group = new ClassicGroup(request.groupId, step.nowMs)
  if (!group.supportsProtocols(request.protocolType, request.protocols)) {
    refuse(join, ErrorCode.INCONSISTENT_GROUP_PROTOCOL, '')
    return
  }
  // An empty group takes the type of the member that joins it.
  const replaced = groups.get(group.groupId)
  if (replaced?.type === 'consumer') for (const record of groupTombstones(replaced)) step.append(record)
  groups.set(group.groupId, group)
  step.append({ type: 'groupMetadata', groupId: group.groupId, value: group.toRecord(new Map()) })
  const memberId = joinNewMember(group, join)
  step.whenWritten((errorCode, after) => {
    // A member that waits for the rebalance goes on waiting: the record of its generation is what matters then.
    if (errorCode === ErrorCode.NONE || !requiresMemberId(join)) return
    group.remove(memberId)
    after.cancelTimer(sessionTimer(group.groupId, memberId))
    const isUnused = group.state === 'Empty' && group.pendingJoinMembers.size === 0
    if (isUnused && groups.get(group.groupId) === group) {
      if (replaced === undefined) groups.delete(group.groupId)
      else groups.set(group.groupId, replaced)
    }
    after.reply(join.parked.token, joinRefusal(appendErrorToReplyError(errorCode), '', join.parked.version))
  })
}

/**
 * Whether there is room (`group.max.size`). While members join, those that wait count, not those that are known:
 * so the last ones to come back to a group that is too large are the ones sent away.
 */
function accepts(group: ClassicGroup, memberId: string, maxSize: number): boolean {
  switch (group.state) {
    case 'Empty':
      return true
    case 'PreparingRebalance':
      return group.members.get(memberId)?.awaitingJoin !== undefined || group.awaitingJoinCount < maxSize
    case 'CompletingRebalance':
    case 'Stable':
      return group.members.has(memberId) || group.members.size < maxSize
    default:
      return group.state satisfies never
  }
}

/** Someone without a member id; a known static member is recognised by its instance id. Gives the id it gets. */
function joinNewMember(group: ClassicGroup, join: Join): string {
  const { request, context, uuid } = join.command
  const memberId = `${request.groupInstanceId ?? context.clientId}-${uuid}`
  if (requiresMemberId(join)) {
    group.pendingJoinMembers.add(memberId)
    join.step.setTimer(sessionTimer(group.groupId, memberId), request.sessionTimeoutMs)
    refuse(join, ErrorCode.MEMBER_ID_REQUIRED, memberId)
    return memberId
  }
  const oldMemberId = request.groupInstanceId && group.staticMembers.get(request.groupInstanceId)
  const old = oldMemberId ? group.members.get(oldMemberId) : undefined
  if (old === undefined) addMember(group, memberId, join)
  else rejoinStaticMember(group, old, memberId, join)
  return memberId
}

/** KIP-394: a dynamic member first learns its id, so that a join that is sent again is not another member. */
function requiresMemberId({ command }: Join): boolean {
  return command.context.version >= 4 && command.request.groupInstanceId === null
}

function joinKnownMember(group: ClassicGroup, join: Join): void {
  const { parked, step } = join
  const { request } = join.command
  if (group.pendingJoinMembers.has(request.memberId) && request.groupInstanceId === null) {
    addMember(group, request.memberId, join)
    return
  }
  const refusal = refusalOfMember(group, request.memberId, request.groupInstanceId)
  const member = group.members.get(request.memberId)
  if (refusal !== ErrorCode.NONE || member === undefined) {
    refuse(join, refusal, request.memberId)
    return
  }

  const changed = !sameProtocols(member.protocols, request.protocols)
  switch (group.state) {
    case 'PreparingRebalance':
      rejoin(group, member, 'joins during the rebalance', join)
      return
    case 'CompletingRebalance':
      // Unchanged, it probably missed the answer to its join: it gets it again.
      if (changed) {
        rejoin(group, member, 'changed its metadata during the rebalance', join)
        return
      }
      step.reply(parked.token, joinAnswer(group, member))
      return
    case 'Stable':
      // A leader joins when what it assigns by has changed (new partitions, say), be its metadata the same or not.
      if (group.leaderId === member.memberId) {
        rejoin(group, member, 'leader joins again', join)
        return
      }
      if (changed) {
        rejoin(group, member, 'changed its metadata', join)
        return
      }
      step.reply(parked.token, joinAnswer(group, member))
      return
    case 'Empty':
      refuse(join, ErrorCode.UNKNOWN_MEMBER_ID, request.memberId)
      return
    default:
      group.state satisfies never
  }
}

function addMember(group: ClassicGroup, memberId: string, join: Join): void {
  const { parked, step } = join
  const { request, context } = join.command
  const member: ClassicMember = {
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: context.clientId,
    clientHost: context.clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutOf(join),
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: copyProtocols(request.protocols),
    assignment: EMPTY_ASSIGNMENT,
    isNew: true,
    awaitingJoin: parked,
    awaitingSync: undefined,
  }
  if (group.initialRebalance !== undefined) group.newMemberAdded = true
  group.add(member, request.protocolType)
  restartSession(group, member, step, NEW_MEMBER_JOIN_TIMEOUT_MS)
  prepareRebalanceOrCompleteJoin(group, reasonOf(join, memberId, 'is new'), step)
}

/** A member is back with its id: it waits for the next generation. */
function rejoin(group: ClassicGroup, member: ClassicMember, what: string, join: Join): void {
  park(group, member, join)
  prepareRebalanceOrCompleteJoin(group, reasonOf(join, member.memberId, what), join.step)
}

/**
 * A second join of a member whose first one still waits: its client gave up on the first, so that is answered with
 * an error that makes any client join again. (Kafka forgets it, which leaves its connection without an answer.)
 */
function park(group: ClassicGroup, member: ClassicMember, join: Join): void {
  const { request } = join.command
  group.updateMember(
    member,
    copyProtocols(request.protocols),
    rebalanceTimeoutOf(join),
    request.sessionTimeoutMs,
  )
  const earlier = group.unparkJoin(member)
  if (earlier !== undefined) {
    join.step.reply(
      earlier.token,
      joinRefusal(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId, earlier.version),
    )
  }
  group.parkJoin(member, join.parked)
}

/**
 * A static member is back without its member id, after a restart of its application. It takes its old place under a
 * new id, the old id is fenced, and while the group is stable and would choose the same protocol there is no
 * rebalance: only the record with the new id is written.
 */
function rejoinStaticMember(group: ClassicGroup, old: ClassicMember, memberId: string, join: Join): void {
  const { parked, step } = join
  const { request, context } = join.command
  const leaderBefore = group.leaderId
  // Whoever still waits under the old id is another instance with the same instance id.
  refuseParked(group, old, ErrorCode.FENCED_INSTANCE_ID, step, old.memberId)
  const member = group.replaceStaticMember(old, memberId)
  step.cancelTimer(sessionTimer(group.groupId, old.memberId))
  restartSession(group, member, step)
  park(group, member, join)

  if (group.state === 'CompletingRebalance') {
    // The leader may already be assigning to the old id.
    prepareRebalance(group, reasonOf(join, memberId, 'replaced a static member'), step)
    return
  }
  if (group.state !== 'Stable') {
    completeJoinIfAllJoined(group, step)
    return
  }
  if (group.selectProtocol() !== group.protocolName) {
    prepareRebalance(group, reasonOf(join, memberId, 'changed the protocol'), step)
    return
  }

  const assignments = new Map([...group.members.values()].map((each) => [each.memberId, each.assignment]))
  step.append({ type: 'groupMetadata', groupId: group.groupId, value: group.toRecord(assignments) })
  step.whenWritten((errorCode, after) => {
    // Whoever removed or replaced it meanwhile has answered it; a rebalance meanwhile will.
    if (group.members.get(memberId) !== member || member.awaitingJoin?.token !== parked.token) return
    if (group.state !== 'Stable') return
    group.unparkJoin(member)
    if (errorCode === ErrorCode.NONE) {
      // From v9 on the leader learns of all members, and is told that it need not assign (KIP-814). Before, it
      // could not be told, and is left to believe that the old id leads.
      const leads = group.leaderId === memberId
      const answer =
        context.version >= 9
          ? joinAnswer(group, member, { skipAssignment: leads })
          : joinAnswer(group, member, { withMembers: false, leader: leaderBefore })
      after.reply(parked.token, answer)
      return
    }
    group.updateMember(member, old.protocols, old.rebalanceTimeoutMs, old.sessionTimeoutMs)
    const restored = group.replaceStaticMember(member, old.memberId)
    after.cancelTimer(sessionTimer(group.groupId, memberId))
    restartSession(group, restored, after)
    after.reply(parked.token, {
      ...joinAnswer(group, member, { withMembers: false, leader: leaderBefore }),
      errorCode: appendErrorToReplyError(errorCode),
      memberId: '',
    })
  })
  step.logger.info('static group member replaced without a rebalance', {
    groupId: group.groupId,
    memberId,
    groupInstanceId: request.groupInstanceId,
  })
}

/** v0 has no rebalance timeout: the session timeout is both. */
function rebalanceTimeoutOf({ command }: Join): number {
  return command.context.version === 0 ? command.request.sessionTimeoutMs : command.request.rebalanceTimeoutMs
}

function reasonOf({ command }: Join, memberId: string, what: string): string {
  return `member ${memberId} ${what}; client reason: ${command.request.reason || 'not provided'}`
}
