import { type Infer, type Input, message, string } from '../schema.ts'

export const consumerGroupCurrentMemberAssignmentKey = message(
  { name: 'ConsumerGroupCurrentMemberAssignmentKey', key: 8, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    memberId: string({ versions: '0' }),
  },
)
export interface ConsumerGroupCurrentMemberAssignmentKey
  extends Infer<typeof consumerGroupCurrentMemberAssignmentKey> {}
export interface ConsumerGroupCurrentMemberAssignmentKeyInput
  extends Input<typeof consumerGroupCurrentMemberAssignmentKey> {}
