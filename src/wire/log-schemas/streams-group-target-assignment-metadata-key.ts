import { type Infer, type Input, message, string } from '../schema.ts'

export const streamsGroupTargetAssignmentMetadataKey = message(
  { name: 'StreamsGroupTargetAssignmentMetadataKey', key: 20, versions: '0' },
  {
    groupId: string({ versions: '0' }),
  },
)
export interface StreamsGroupTargetAssignmentMetadataKey
  extends Infer<typeof streamsGroupTargetAssignmentMetadataKey> {}
export interface StreamsGroupTargetAssignmentMetadataKeyInput
  extends Input<typeof streamsGroupTargetAssignmentMetadataKey> {}
