/** SyncGroup, versions 0–5. Answered when the group's leader has sent the assignment. v5: the protocol's type and name. */
import { syncGroupRequest, syncGroupResponse } from '../wire/schemas/14-sync-group.ts'
import { groupContext } from './group-context.ts'
import { handler } from './handler.ts'

const NO_ASSIGNMENT = Buffer.alloc(0)

export const syncGroup = handler({
  request: syncGroupRequest,
  response: syncGroupResponse,
  minVersion: 0,
  maxVersion: 5,

  handle: (context, request, { groups }) =>
    groups.execute(request.groupId, { type: 'syncGroup', request, context: groupContext(context) }),

  refuse: (_request, errorCode) => ({ errorCode, assignment: NO_ASSIGNMENT }),
})
