import { array, type Infer, type Input, int8, int32, message, uuid } from '../schema.ts'

const topicPartitions = { topicId: uuid(), partitions: array(int32()) }

export const shareGroupCurrentMemberAssignmentValue = message(
  { name: 'ShareGroupCurrentMemberAssignmentValue', key: 14, versions: '0', flexible: '0+' },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(topicPartitions),
  },
)
export interface ShareGroupCurrentMemberAssignmentValue
  extends Infer<typeof shareGroupCurrentMemberAssignmentValue> {}
export interface ShareGroupCurrentMemberAssignmentValueInput
  extends Input<typeof shareGroupCurrentMemberAssignmentValue> {}
