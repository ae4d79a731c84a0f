import { type Infer, type Input, message, string } from '../schema.ts'

export const shareGroupTargetAssignmentMemberKey = message(
  { name: 'ShareGroupTargetAssignmentMemberKey', key: 13, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    memberId: string({ versions: '0' }),
  },
)
export interface ShareGroupTargetAssignmentMemberKey
  extends Infer<typeof shareGroupTargetAssignmentMemberKey> {}
export interface ShareGroupTargetAssignmentMemberKeyInput
  extends Input<typeof shareGroupTargetAssignmentMemberKey> {}
