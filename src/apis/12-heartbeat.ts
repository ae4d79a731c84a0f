/** Heartbeat, versions 0–4. v3: static members. */
import { heartbeatRequest, heartbeatResponse } from '../wire/schemas/12-heartbeat.ts'
import { groupContext } from './group-context.ts'
import { handler } from './handler.ts'

export const heartbeat = handler({
  request: heartbeatRequest,
  response: heartbeatResponse,
  minVersion: 0,
  maxVersion: 4,

  handle: (context, request, { groups }) =>
    groups.execute(request.groupId, { type: 'heartbeat', request, context: groupContext(context) }),

  refuse: (_request, errorCode) => ({ errorCode }),
})
