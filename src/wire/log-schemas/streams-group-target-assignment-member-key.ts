import { type Infer, type Input, message, string } from '../schema.ts'

export const streamsGroupTargetAssignmentMemberKey = message(
  { name: 'StreamsGroupTargetAssignmentMemberKey', key: 21, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    memberId: string({ versions: '0' }),
  },
)
export interface StreamsGroupTargetAssignmentMemberKey
  extends Infer<typeof streamsGroupTargetAssignmentMemberKey> {}
export interface StreamsGroupTargetAssignmentMemberKeyInput
  extends Input<typeof streamsGroupTargetAssignmentMemberKey> {}
