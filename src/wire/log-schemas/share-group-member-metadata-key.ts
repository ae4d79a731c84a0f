import { type Infer, type Input, message, string } from '../schema.ts'

export const shareGroupMemberMetadataKey = message(
  { name: 'ShareGroupMemberMetadataKey', key: 10, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    memberId: string({ versions: '0' }),
  },
)
export interface ShareGroupMemberMetadataKey extends Infer<typeof shareGroupMemberMetadataKey> {}
export interface ShareGroupMemberMetadataKeyInput extends Input<typeof shareGroupMemberMetadataKey> {}
