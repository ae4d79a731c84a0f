import { type Infer, type Input, message, string } from '../schema.ts'

export const consumerGroupTargetAssignmentMemberKey = message(
  { name: 'ConsumerGroupTargetAssignmentMemberKey', key: 7, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    memberId: string({ versions: '0' }),
  },
)
export interface ConsumerGroupTargetAssignmentMemberKey
  extends Infer<typeof consumerGroupTargetAssignmentMemberKey> {}
export interface ConsumerGroupTargetAssignmentMemberKeyInput
  extends Input<typeof consumerGroupTargetAssignmentMemberKey> {}
