import { type Infer, type Input, message, string } from '../schema.ts'

export const shareGroupCurrentMemberAssignmentKey = message(
  { name: 'ShareGroupCurrentMemberAssignmentKey', key: 14, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    memberId: string({ versions: '0' }),
  },
)
export interface ShareGroupCurrentMemberAssignmentKey
  extends Infer<typeof shareGroupCurrentMemberAssignmentKey> {}
export interface ShareGroupCurrentMemberAssignmentKeyInput
  extends Input<typeof shareGroupCurrentMemberAssignmentKey> {}
