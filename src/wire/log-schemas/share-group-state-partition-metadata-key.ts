import { type Infer, type Input, message, string } from '../schema.ts'

export const shareGroupStatePartitionMetadataKey = message(
  { name: 'ShareGroupStatePartitionMetadataKey', key: 15, versions: '0' },
  {
    groupId: string({ versions: '0' }),
  },
)
export interface ShareGroupStatePartitionMetadataKey
  extends Infer<typeof shareGroupStatePartitionMetadataKey> {}
export interface ShareGroupStatePartitionMetadataKeyInput
  extends Input<typeof shareGroupStatePartitionMetadataKey> {}
