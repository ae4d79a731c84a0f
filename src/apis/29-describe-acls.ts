/** DescribeAcls, versions 0–3. There is no authorizer, which is what it says. */
import { ErrorCode } from '../wire/error-codes.ts'
import { describeAclsRequest, describeAclsResponse } from '../wire/schemas/29-describe-acls.ts'
import { closeOnUnknownElement } from './acl-elements.ts'
import { handler } from './handler.ts'

export const describeAcls = handler({
  request: describeAclsRequest,
  response: describeAclsResponse,
  minVersion: 0,
  maxVersion: 3,

  handle(context, request) {
    const { resourceTypeFilter, patternTypeFilter, operation, permissionType } = request
    const elements = [resourceTypeFilter, patternTypeFilter, operation, permissionType]
    if (closeOnUnknownElement(context, elements)) return null
    return refusal(ErrorCode.SECURITY_DISABLED, 'No Authorizer is configured on the broker')
  },

  refuse: (_request, errorCode) => refusal(errorCode, null),
})

function refusal(errorCode: number, errorMessage: string | null) {
  return { errorCode, errorMessage, resources: [] }
}
