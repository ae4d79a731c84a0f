import { array, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const listGroupsRequest = message(
  { name: 'ListGroupsRequest', key: 16, versions: '0-5', flexible: '3+' },
  {
    statesFilter: array(string(), { versions: '4+' }),
    typesFilter: array(string(), { versions: '5+' }),
  },
)
export interface ListGroupsRequest extends Infer<typeof listGroupsRequest> {}
export interface ListGroupsRequestInput extends Input<typeof listGroupsRequest> {}

export const listGroupsResponse = message(
  { name: 'ListGroupsResponse', key: 16, versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ versions: '4+', ignorable: true }),
      groupType: string({ versions: '5+', ignorable: true }),
    }),
  },
)
export interface ListGroupsResponse extends Infer<typeof listGroupsResponse> {}
export interface ListGroupsResponseInput extends Input<typeof listGroupsResponse> {}
