import { type Infer, type Input, message, string } from '../schema.ts'

export const consumerGroupMemberMetadataKey = message(
  { name: 'ConsumerGroupMemberMetadataKey', key: 5, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    memberId: string({ versions: '0' }),
  },
)
export interface ConsumerGroupMemberMetadataKey extends Infer<typeof consumerGroupMemberMetadataKey> {}
export interface ConsumerGroupMemberMetadataKeyInput extends Input<typeof consumerGroupMemberMetadataKey> {}
