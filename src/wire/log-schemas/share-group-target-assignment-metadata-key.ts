import { type Infer, type Input, message, string } from '../schema.ts'

export const shareGroupTargetAssignmentMetadataKey = message(
  { name: 'ShareGroupTargetAssignmentMetadataKey', key: 12, versions: '0' },
  {
    groupId: string({ versions: '0' }),
  },
)
export interface ShareGroupTargetAssignmentMetadataKey
  extends Infer<typeof shareGroupTargetAssignmentMetadataKey> {}
export interface ShareGroupTargetAssignmentMetadataKeyInput
  extends Input<typeof shareGroupTargetAssignmentMetadataKey> {}
