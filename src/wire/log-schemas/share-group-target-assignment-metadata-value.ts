import { type Infer, type Input, int32, int64, message } from '../schema.ts'

export const shareGroupTargetAssignmentMetadataValue = message(
  { name: 'ShareGroupTargetAssignmentMetadataValue', key: 12, versions: '0', flexible: '0+' },
  {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ tag: 0, default: 0, ignorable: true }),
  },
)
export interface ShareGroupTargetAssignmentMetadataValue
  extends Infer<typeof shareGroupTargetAssignmentMetadataValue> {}
export interface ShareGroupTargetAssignmentMetadataValueInput
  extends Input<typeof shareGroupTargetAssignmentMetadataValue> {}
