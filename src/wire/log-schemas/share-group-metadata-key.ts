import { type Infer, type Input, message, string } from '../schema.ts'

export const shareGroupMetadataKey = message(
  { name: 'ShareGroupMetadataKey', key: 11, versions: '0' },
  {
    groupId: string({ versions: '0' }),
  },
)
export interface ShareGroupMetadataKey extends Infer<typeof shareGroupMetadataKey> {}
export interface ShareGroupMetadataKeyInput extends Input<typeof shareGroupMetadataKey> {}
