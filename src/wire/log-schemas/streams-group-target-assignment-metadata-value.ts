import { type Infer, type Input, int32, int64, message } from '../schema.ts'

export const streamsGroupTargetAssignmentMetadataValue = message(
  { name: 'StreamsGroupTargetAssignmentMetadataValue', key: 20, versions: '0', flexible: '0+' },
  {
    assignmentEpoch: int32(),
    assignmentTimestamp: int64({ tag: 0, default: 0, ignorable: true }),
  },
)
export interface StreamsGroupTargetAssignmentMetadataValue
  extends Infer<typeof streamsGroupTargetAssignmentMetadataValue> {}
export interface StreamsGroupTargetAssignmentMetadataValueInput
  extends Input<typeof streamsGroupTargetAssignmentMetadataValue> {}
