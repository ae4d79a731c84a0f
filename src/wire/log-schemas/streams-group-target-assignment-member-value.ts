import { array, type Infer, type Input, int32, message, string } from '../schema.ts'

const taskIds = { subtopologyId: string(), partitions: array(int32()) }

export const streamsGroupTargetAssignmentMemberValue = message(
  { name: 'StreamsGroupTargetAssignmentMemberValue', key: 21, versions: '0', flexible: '0+' },
  {
    activeTasks: array(taskIds),
    standbyTasks: array(taskIds),
    warmupTasks: array(taskIds),
  },
)
export interface StreamsGroupTargetAssignmentMemberValue
  extends Infer<typeof streamsGroupTargetAssignmentMemberValue> {}
export interface StreamsGroupTargetAssignmentMemberValueInput
  extends Input<typeof streamsGroupTargetAssignmentMemberValue> {}
