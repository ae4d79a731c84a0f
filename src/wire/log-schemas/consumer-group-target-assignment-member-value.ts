import { array, type Infer, type Input, int32, message, uuid } from '../schema.ts'

export const consumerGroupTargetAssignmentMemberValue = message(
  { name: 'ConsumerGroupTargetAssignmentMemberValue', key: 7, versions: '0', flexible: '0+' },
  {
    topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }),
  },
)
export interface ConsumerGroupTargetAssignmentMemberValue
  extends Infer<typeof consumerGroupTargetAssignmentMemberValue> {}
export interface ConsumerGroupTargetAssignmentMemberValueInput
  extends Input<typeof consumerGroupTargetAssignmentMemberValue> {}
