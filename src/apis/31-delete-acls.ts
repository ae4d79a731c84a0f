/** DeleteAcls, versions 0–3. There is no authorizer, which is what it says of each filter. */
import { ErrorCode } from '../wire/error-codes.ts'
import { deleteAclsRequest, deleteAclsResponse } from '../wire/schemas/31-delete-acls.ts'
import { closeOnUnknownElement, NO_AUTHORIZER } from './acl-elements.ts'
import { handler } from './handler.ts'

export const deleteAcls = handler({
  request: deleteAclsRequest,
  response: deleteAclsResponse,
  minVersion: 0,
  maxVersion: 3,

  handle(context, { filters }) {
    const elements = filters.flatMap(
      ({ resourceTypeFilter, patternTypeFilter, operation, permissionType }) => [
        resourceTypeFilter,
        patternTypeFilter,
        operation,
        permissionType,
      ],
    )
    if (closeOnUnknownElement(context, elements)) return null
    return {
      filterResults: filters.map(() => ({
        errorCode: ErrorCode.SECURITY_DISABLED,
        errorMessage: NO_AUTHORIZER,
        matchingAcls: [],
      })),
    }
  },

  refuse: ({ filters }, errorCode) => ({
    filterResults: filters.map(() => ({ errorCode, errorMessage: null, matchingAcls: [] })),
  }),
})
