import { ErrorCode } from '../../wire/error-codes.ts'
import type { DescribeGroupsResponseInput } from '../../wire/schemas/15-describe-groups.ts'
import type { ClassicGroup } from './classic-group.ts'
import { EMPTY_ASSIGNMENT, metadataFor } from './classic-member.ts'

type DescribedGroup = DescribeGroupsResponseInput['groups'][number]

/** The protocol and the members' metadata are shown of a stable group only: before, the members may not agree yet. */
export function describeClassicGroup(group: ClassicGroup): DescribedGroup {
  const stable = group.state === 'Stable'
  return {
    errorCode: ErrorCode.NONE,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: stable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stable ? metadataFor(member, group.protocolName) : EMPTY_ASSIGNMENT,
      memberAssignment: member.assignment,
    })),
  }
}

/** A group that doesn't exist, or is none of the classic protocol, is dead; from v6 on that is an error too. */
export function describeMissingGroup(groupId: string, version: number, errorMessage: string): DescribedGroup {
  const dead = {
    groupId,
    groupState: 'Dead',
    protocolType: '',
    protocolData: '',
    members: [],
  }
  if (version < 6) return { ...dead, errorCode: ErrorCode.NONE }
  return {
    ...dead,
    errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
    errorMessage,
  }
}
