import { array, bool, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const describeClusterRequest = message(
  { name: 'DescribeClusterRequest', key: 60, versions: '0-2', flexible: '0+' },
  {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8({ versions: '1+', default: 1 }),
    includeFencedBrokers: bool({ versions: '2+' }),
  },
)
export interface DescribeClusterRequest extends Infer<typeof describeClusterRequest> {}
export interface DescribeClusterRequestInput extends Input<typeof describeClusterRequest> {}

export const describeClusterResponse = message(
  { name: 'DescribeClusterResponse', key: 60, versions: '0-2', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    endpointType: int8({ versions: '1+', default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: '0+', default: null }),
      isFenced: bool({ versions: '2+' }),
    }),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  },
)
export interface DescribeClusterResponse extends Infer<typeof describeClusterResponse> {}
export interface DescribeClusterResponseInput extends Input<typeof describeClusterResponse> {}
