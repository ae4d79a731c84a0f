import { array, type Infer, type Input, int32, message, uuid } from '../schema.ts'

export const shareGroupTargetAssignmentMemberValue = message(
  { name: 'ShareGroupTargetAssignmentMemberValue', key: 13, versions: '0', flexible: '0+' },
  {
    topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }),
  },
)
export interface ShareGroupTargetAssignmentMemberValue
  extends Infer<typeof shareGroupTargetAssignmentMemberValue> {}
export interface ShareGroupTargetAssignmentMemberValueInput
  extends Input<typeof shareGroupTargetAssignmentMemberValue> {}
