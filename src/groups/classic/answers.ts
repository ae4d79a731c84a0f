import { ErrorCode } from '../../wire/error-codes.ts'
import type { JoinGroupResponseInput } from '../../wire/schemas/11-join-group.ts'
import type { SyncGroupResponseInput } from '../../wire/schemas/14-sync-group.ts'
import type { GroupStep } from '../step.ts'
import type { ClassicGroup } from './classic-group.ts'
import { type ClassicMember, EMPTY_ASSIGNMENT, metadataFor } from './classic-member.ts'

/** A refused join: no protocol, which is null where v7 allows it (Kafka's `JoinGroupResponse`). */
export function joinRefusal(errorCode: number, memberId: string, version: number): JoinGroupResponseInput {
  return { errorCode, memberId, protocolName: version >= 7 ? null : '', leader: '', members: [] }
}

/** The present generation, as a member learns of it; the leader also gets all members with their metadata. */
export function joinAnswer(
  group: ClassicGroup,
  member: ClassicMember,
  { skipAssignment = false, withMembers = group.leaderId === member.memberId, leader = group.leaderId } = {},
): JoinGroupResponseInput {
  return {
    errorCode: ErrorCode.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: leader ?? '',
    skipAssignment,
    memberId: member.memberId,
    members: withMembers
      ? [...group.members.values()].map((other) => ({
          memberId: other.memberId,
          groupInstanceId: other.groupInstanceId,
          metadata: metadataFor(other, group.protocolName),
        }))
      : [],
  }
}

export function syncRefusal(errorCode: number): SyncGroupResponseInput {
  return { errorCode, assignment: EMPTY_ASSIGNMENT }
}

export function syncAnswer(group: ClassicGroup, member: ClassicMember): SyncGroupResponseInput {
  return {
    errorCode: ErrorCode.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  }
}

/** Answers the member's parked requests, if any, with this error. */
export function refuseParked(
  group: ClassicGroup,
  member: ClassicMember,
  errorCode: number,
  step: GroupStep,
  joinMemberId = '',
): void {
  const join = group.unparkJoin(member)
  if (join !== undefined) step.reply(join.token, joinRefusal(errorCode, joinMemberId, join.version))
  const sync = member.awaitingSync
  member.awaitingSync = undefined
  if (sync !== undefined) step.reply(sync.token, syncRefusal(errorCode))
}
