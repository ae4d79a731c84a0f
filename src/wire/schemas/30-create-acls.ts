import { array, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const createAclsRequest = message(
  { name: 'CreateAclsRequest', key: 30, versions: '0-3', flexible: '2+' },
  {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ versions: '1+', default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
)
export interface CreateAclsRequest extends Infer<typeof createAclsRequest> {}
export interface CreateAclsRequestInput extends Input<typeof createAclsRequest> {}

export const createAclsResponse = message(
  { name: 'CreateAclsResponse', key: 30, versions: '0-3', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    results: array({ errorCode: int16(), errorMessage: string({ nullable: '0+' }) }),
  },
)
export interface CreateAclsResponse extends Infer<typeof createAclsResponse> {}
export interface CreateAclsResponseInput extends Input<typeof createAclsResponse> {}
