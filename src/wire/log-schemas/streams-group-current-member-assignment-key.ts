import { type Infer, type Input, message, string } from '../schema.ts'

export const streamsGroupCurrentMemberAssignmentKey = message(
  { name: 'StreamsGroupCurrentMemberAssignmentKey', key: 22, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    memberId: string({ versions: '0' }),
  },
)
export interface StreamsGroupCurrentMemberAssignmentKey
  extends Infer<typeof streamsGroupCurrentMemberAssignmentKey> {}
export interface StreamsGroupCurrentMemberAssignmentKeyInput
  extends Input<typeof streamsGroupCurrentMemberAssignmentKey> {}
