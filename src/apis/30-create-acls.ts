/** CreateAcls, versions 0–3. There is no authorizer, which is what it says of each. */
import { ErrorCode } from '../wire/error-codes.ts'
import { createAclsRequest, createAclsResponse } from '../wire/schemas/30-create-acls.ts'
import { closeOnUnknownElement, NO_AUTHORIZER } from './acl-elements.ts'
import { handler } from './handler.ts'

export const createAcls = handler({
  request: createAclsRequest,
  response: createAclsResponse,
  minVersion: 0,
  maxVersion: 3,

  handle(context, { creations }) {
    const elements = creations.flatMap(({ resourceType, resourcePatternType, operation, permissionType }) => [
      resourceType,
      resourcePatternType,
      operation,
      permissionType,
    ])
    if (closeOnUnknownElement(context, elements)) return null
    return {
      results: creations.map(() => ({ errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: NO_AUTHORIZER })),
    }
  },

  refuse: ({ creations }, errorCode) => ({
    results: creations.map(() => ({ errorCode, errorMessage: null })),
  }),
})
