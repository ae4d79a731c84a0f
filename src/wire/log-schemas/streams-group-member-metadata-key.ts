import { type Infer, type Input, message, string } from '../schema.ts'

export const streamsGroupMemberMetadataKey = message(
  { name: 'StreamsGroupMemberMetadataKey', key: 19, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    memberId: string({ versions: '0' }),
  },
)
export interface StreamsGroupMemberMetadataKey extends Infer<typeof streamsGroupMemberMetadataKey> {}
export interface StreamsGroupMemberMetadataKeyInput extends Input<typeof streamsGroupMemberMetadataKey> {}
