import { type Infer, type Input, message, string } from '../schema.ts'

export const consumerGroupMetadataKey = message(
  { name: 'ConsumerGroupMetadataKey', key: 3, versions: '0' },
  {
    groupId: string({ versions: '0' }),
  },
)
export interface ConsumerGroupMetadataKey extends Infer<typeof consumerGroupMetadataKey> {}
export interface ConsumerGroupMetadataKeyInput extends Input<typeof consumerGroupMetadataKey> {}
