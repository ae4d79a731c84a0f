import { array, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const electLeadersRequest = message(
  { name: 'ElectLeadersRequest', key: 43, versions: '0-2', flexible: '2+' },
  {
    electionType: int8({ versions: '1+' }),
    topicPartitions: array({ topic: string(), partitions: array(int32()) }, { nullable: '0+' }),
    timeoutMs: int32({ default: 60000 }),
  },
)
export interface ElectLeadersRequest extends Infer<typeof electLeadersRequest> {}
export interface ElectLeadersRequestInput extends Input<typeof electLeadersRequest> {}

export const electLeadersResponse = message(
  { name: 'ElectLeadersResponse', key: 43, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ versions: '1+' }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
      }),
    }),
  },
)
export interface ElectLeadersResponse extends Infer<typeof electLeadersResponse> {}
export interface ElectLeadersResponseInput extends Input<typeof electLeadersResponse> {}
