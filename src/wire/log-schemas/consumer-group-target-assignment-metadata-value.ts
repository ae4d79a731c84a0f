import { type Infer, type Input, int32, int64, message } from '../schema.ts'

export const consumerGroupTargetAssignmentMetadataValue = message(
  { name: 'ConsumerGroupTargetAssignmentMetadataValue', key: 6, versions: '0', flexible: '0+' },
  {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ tag: 0, default: 0, ignorable: true }),
  },
)
export interface ConsumerGroupTargetAssignmentMetadataValue
  extends Infer<typeof consumerGroupTargetAssignmentMetadataValue> {}
export interface ConsumerGroupTargetAssignmentMetadataValueInput
  extends Input<typeof consumerGroupTargetAssignmentMetadataValue> {}
