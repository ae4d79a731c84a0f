import { array, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const describeAclsRequest = message(
  { name: 'DescribeAclsRequest', key: 29, versions: '0-3', flexible: '2+' },
  {
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: '0+' }),
    patternTypeFilter: int8({ versions: '1+', default: 3 }),
    principalFilter: string({ nullable: '0+' }),
    hostFilter: string({ nullable: '0+' }),
    operation: int8(),
    permissionType: int8(),
  },
)
export interface DescribeAclsRequest extends Infer<typeof describeAclsRequest> {}
export interface DescribeAclsRequestInput extends Input<typeof describeAclsRequest> {}

export const describeAclsResponse = message(
  { name: 'DescribeAclsResponse', key: 29, versions: '0-3', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ versions: '1+', default: 3 }),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
)
export interface DescribeAclsResponse extends Infer<typeof describeAclsResponse> {}
export interface DescribeAclsResponseInput extends Input<typeof describeAclsResponse> {}
