import { array, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const deleteGroupsRequest = message(
  { name: 'DeleteGroupsRequest', key: 42, versions: '0-2', flexible: '2+' },
  {
    groupsNames: array(string()),
  },
)
export interface DeleteGroupsRequest extends Infer<typeof deleteGroupsRequest> {}
export interface DeleteGroupsRequestInput extends Input<typeof deleteGroupsRequest> {}

export const deleteGroupsResponse = message(
  { name: 'DeleteGroupsResponse', key: 42, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    results: array({ groupId: string(), errorCode: int16() }),
  },
)
export interface DeleteGroupsResponse extends Infer<typeof deleteGroupsResponse> {}
export interface DeleteGroupsResponseInput extends Input<typeof deleteGroupsResponse> {}
