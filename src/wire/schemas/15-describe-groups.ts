import { array, bool, bytes, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const describeGroupsRequest = message(
  { name: 'DescribeGroupsRequest', key: 15, versions: '0-6', flexible: '5+' },
  {
    groups: array(string()),
    includeAuthorizedOperations: bool({ versions: '3+' }),
  },
)
export interface DescribeGroupsRequest extends Infer<typeof describeGroupsRequest> {}
export interface DescribeGroupsRequestInput extends Input<typeof describeGroupsRequest> {}

export const describeGroupsResponse = message(
  { name: 'DescribeGroupsResponse', key: 15, versions: '0-6', flexible: '5+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ versions: '6+', nullable: '6+', default: null }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: string({ versions: '4+', nullable: '4+', default: null, ignorable: true }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ versions: '3+', default: -2147483648 }),
    }),
  },
)
export interface DescribeGroupsResponse extends Infer<typeof describeGroupsResponse> {}
export interface DescribeGroupsResponseInput extends Input<typeof describeGroupsResponse> {}
