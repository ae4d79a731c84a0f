import { ErrorCode } from '../../wire/error-codes.ts'
import type { ConsumerGroup } from '../consumer/consumer-group.ts'
import type { ClassicMemberMetadata, ConsumerMember } from '../consumer/member.ts'

type Found =
  | { readonly member: ConsumerMember; readonly classic: ClassicMemberMetadata }
  | { readonly member: undefined; readonly errorCode: number }

/** The classic member that a request names, in the epoch that it calls its generation; or why there is none. */
export function classicMemberOf(
  group: ConsumerGroup,
  {
    memberId,
    groupInstanceId,
    generationId,
  }: {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly generationId: number
  },
): Found {
  const member = groupInstanceId === null ? group.members.get(memberId) : group.staticMember(groupInstanceId)
  if (member === undefined) return { member: undefined, errorCode: ErrorCode.UNKNOWN_MEMBER_ID }
  if (member.memberId !== memberId) return { member: undefined, errorCode: ErrorCode.FENCED_INSTANCE_ID }
  const { classic } = member
  if (classic === null) return { member: undefined, errorCode: ErrorCode.UNKNOWN_MEMBER_ID }
  if (member.memberEpoch !== generationId) {
    return { member: undefined, errorCode: ErrorCode.ILLEGAL_GENERATION }
  }
  return { member, classic }
}
