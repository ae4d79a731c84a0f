import { array, type Infer, type Input, int8, int32, message, uuid } from '../schema.ts'

const topicPartitions = {
  topicId: uuid(),
  partitions: array(int32()),
  // Left out it is the empty list, as in Kafka's class; null is written out.
  assignmentEpochs: array(int32(), { nullable: '0+', tag: 0 }),
}

export const consumerGroupCurrentMemberAssignmentValue = message(
  { name: 'ConsumerGroupCurrentMemberAssignmentValue', key: 8, versions: '0', flexible: '0+' },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    assignedPartitions: array(topicPartitions),
    partitionsPendingRevocation: array(topicPartitions),
  },
)
export interface ConsumerGroupCurrentMemberAssignmentValue
  extends Infer<typeof consumerGroupCurrentMemberAssignmentValue> {}
export interface ConsumerGroupCurrentMemberAssignmentValueInput
  extends Input<typeof consumerGroupCurrentMemberAssignmentValue> {}
