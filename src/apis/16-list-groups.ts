/** ListGroups, versions 0–5. v4: by state; v5: by type. Filters are compared without regard to case. */
import { ErrorCode } from '../wire/error-codes.ts'
import { listGroupsRequest, listGroupsResponse } from '../wire/schemas/16-list-groups.ts'
import { handler } from './handler.ts'

export const listGroups = handler({
  request: listGroupsRequest,
  response: listGroupsResponse,
  minVersion: 0,
  maxVersion: 5,

  async handle(_context, request, { groups }) {
    const replies = await groups.executeOnAll({ type: 'listGroups', request })
    // Groups that another broker coordinates, or nobody, are not this one's to list.
    const failed = replies.find(
      ({ errorCode }) => errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.NOT_COORDINATOR,
    )
    return {
      errorCode: failed?.errorCode ?? ErrorCode.NONE,
      groups: replies.flatMap((reply) => reply.groups),
    }
  },

  refuse: (_request, errorCode) => ({ errorCode, groups: [] }),
})
