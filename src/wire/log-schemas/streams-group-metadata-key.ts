import { type Infer, type Input, message, string } from '../schema.ts'

export const streamsGroupMetadataKey = message(
  { name: 'StreamsGroupMetadataKey', key: 17, versions: '0' },
  {
    groupId: string({ versions: '0' }),
  },
)
export interface StreamsGroupMetadataKey extends Infer<typeof streamsGroupMetadataKey> {}
export interface StreamsGroupMetadataKeyInput extends Input<typeof streamsGroupMetadataKey> {}
