/** LeaveGroup, versions 0–5. v3: several members at once, each with a result of its own; v5: the reason. */
import { leaveGroupRequest, leaveGroupResponse } from '../wire/schemas/13-leave-group.ts'
import { groupContext } from './group-context.ts'
import { handler } from './handler.ts'

export const leaveGroup = handler({
  request: leaveGroupRequest,
  response: leaveGroupResponse,
  minVersion: 0,
  maxVersion: 5,

  handle: (context, request, { groups }) =>
    groups.execute(request.groupId, { type: 'leaveGroup', request, context: groupContext(context) }),

  refuse: (_request, errorCode) => ({ errorCode, members: [] }),
})
