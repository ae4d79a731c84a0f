import { array, bytes, type Infer, type Input, int32, message, string } from '../schema.ts'

export const consumerProtocolAssignment = message(
  { name: 'ConsumerProtocolAssignment', versions: '0-3' },
  {
    assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
    userData: bytes({ nullable: '0+', default: null }),
  },
)
export interface ConsumerProtocolAssignment extends Infer<typeof consumerProtocolAssignment> {}
export interface ConsumerProtocolAssignmentInput extends Input<typeof consumerProtocolAssignment> {}
