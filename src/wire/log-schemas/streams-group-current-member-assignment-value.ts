import { array, type Infer, type Input, int8, int32, message, string } from '../schema.ts'

const taskIds = {
  subtopologyId: string(),
  partitions: array(int32()),
  // Left out it is the empty list, as in Kafka's class; null is written out.
  assignmentEpochs: array(int32(), { nullable: '0+', tag: 0 }),
}

export const streamsGroupCurrentMemberAssignmentValue = message(
  { name: 'StreamsGroupCurrentMemberAssignmentValue', key: 22, versions: '0', flexible: '0+' },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
    activeTasksPendingRevocation: array(taskIds),
    standbyTasksPendingRevocation: array(taskIds),
    warmupTasksPendingRevocation: array(taskIds),
  },
)
export interface StreamsGroupCurrentMemberAssignmentValue
  extends Infer<typeof streamsGroupCurrentMemberAssignmentValue> {}
export interface StreamsGroupCurrentMemberAssignmentValueInput
  extends Input<typeof streamsGroupCurrentMemberAssignmentValue> {}
