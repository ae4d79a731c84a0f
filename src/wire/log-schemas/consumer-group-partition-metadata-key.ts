import { type Infer, type Input, message, string } from '../schema.ts'

export const consumerGroupPartitionMetadataKey = message(
  { name: 'ConsumerGroupPartitionMetadataKey', key: 4, versions: '0' },
  {
    groupId: string({ versions: '0' }),
  },
)
export interface ConsumerGroupPartitionMetadataKey extends Infer<typeof consumerGroupPartitionMetadataKey> {}
export interface ConsumerGroupPartitionMetadataKeyInput
  extends Input<typeof consumerGroupPartitionMetadataKey> {}
