import { array, bool, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const alterPartitionReassignmentsRequest = message(
  { name: 'AlterPartitionReassignmentsRequest', key: 45, versions: '0-1', flexible: '0+' },
  {
    timeoutMs: int32({ default: 60000 }),
    allowReplicationFactorChange: bool({ versions: '1+', default: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32(), { nullable: '0+', default: null }),
      }),
    }),
  },
)
export interface AlterPartitionReassignmentsRequest
  extends Infer<typeof alterPartitionReassignmentsRequest> {}
export interface AlterPartitionReassignmentsRequestInput
  extends Input<typeof alterPartitionReassignmentsRequest> {}

export const alterPartitionReassignmentsResponse = message(
  { name: 'AlterPartitionReassignmentsResponse', key: 45, versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    allowReplicationFactorChange: bool({ versions: '1+', default: true, ignorable: true }),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    responses: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
      }),
    }),
  },
)
export interface AlterPartitionReassignmentsResponse
  extends Infer<typeof alterPartitionReassignmentsResponse> {}
export interface AlterPartitionReassignmentsResponseInput
  extends Input<typeof alterPartitionReassignmentsResponse> {}
