import { type Infer, type Input, message, string } from '../schema.ts'

export const consumerGroupTargetAssignmentMetadataKey = message(
  { name: 'ConsumerGroupTargetAssignmentMetadataKey', key: 6, versions: '0' },
  {
    groupId: string({ versions: '0' }),
  },
)
export interface ConsumerGroupTargetAssignmentMetadataKey
  extends Infer<typeof consumerGroupTargetAssignmentMetadataKey> {}
export interface ConsumerGroupTargetAssignmentMetadataKeyInput
  extends Input<typeof consumerGroupTargetAssignmentMetadataKey> {}
