import { ErrorCode } from '../../wire/error-codes.ts'
import type { SyncGroupRequest } from '../../wire/schemas/14-sync-group.ts'
import type { ClassicGroup } from './classic-group.ts'

/**
 * Why a request that names this member is refused: its instance id is unknown, or another member has it now, or the
 * member id is unknown. NONE when the member is who it says (Kafka's `ClassicGroup.validateMember`).
 */
export function refusalOfMember(
  group: ClassicGroup,
  memberId: string,
  groupInstanceId: string | null,
): number {
  if (groupInstanceId !== null) {
    const current = group.staticMembers.get(groupInstanceId)
    if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID
  }
  return group.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
}

/** A protocol type or name that both sides know and that differs. */
export function differs(requested: string | null, ofGroup: string | null): boolean {
  return requested !== null && ofGroup !== null && requested !== ofGroup
}

/** From SyncGroup v5 on both are mandatory, though the schema lets them be null. */
export function lacksProtocol({ protocolType, protocolName }: SyncGroupRequest, version: number): boolean {
  return version >= 5 && (protocolType === null || protocolName === null)
}

/**
 * Why an offset commit is refused (Kafka's `ClassicGroup.validateOffsetCommit`). A commit without a generation is
 * one from outside the membership, an admin's or a consumer's that assigns itself its partitions: it needs an empty
 * group.
 */
export function refusalOfCommit(
  group: ClassicGroup,
  memberId: string,
  groupInstanceId: string | null,
  generationId: number,
): number {
  if (generationId < 0 && group.state === 'Empty') return ErrorCode.NONE
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return ErrorCode.UNKNOWN_MEMBER_ID
  const refusal = refusalOfMember(group, memberId, groupInstanceId)
  if (refusal !== ErrorCode.NONE) return refusal
  if (generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  // The member knows the generation from its join, but not yet what it is assigned in it.
  if (group.state === 'CompletingRebalance') return ErrorCode.REBALANCE_IN_PROGRESS
  return ErrorCode.NONE
}
