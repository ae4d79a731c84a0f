import { array, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const deleteAclsRequest = message(
  { name: 'DeleteAclsRequest', key: 31, versions: '0-3', flexible: '2+' },
  {
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: string({ nullable: '0+' }),
      patternTypeFilter: int8({ versions: '1+', default: 3 }),
      principalFilter: string({ nullable: '0+' }),
      hostFilter: string({ nullable: '0+' }),
      operation: int8(),
      permissionType: int8(),
    }),
  },
)
export interface DeleteAclsRequest extends Infer<typeof deleteAclsRequest> {}
export interface DeleteAclsRequestInput extends Input<typeof deleteAclsRequest> {}

export const deleteAclsResponse = message(
  { name: 'DeleteAclsResponse', key: 31, versions: '0-3', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    filterResults: array({
      errorCode: int16(),
      errorMessage: string({ nullable: '0+' }),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: string({ nullable: '0+' }),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ versions: '1+', default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
)
export interface DeleteAclsResponse extends Infer<typeof deleteAclsResponse> {}
export interface DeleteAclsResponseInput extends Input<typeof deleteAclsResponse> {}
