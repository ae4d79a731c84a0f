/** DeleteGroups, versions 0–2. Each group for itself. */
import { deleteGroupsRequest, deleteGroupsResponse } from '../wire/schemas/42-delete-groups.ts'
import { handler } from './handler.ts'

export const deleteGroups = handler({
  request: deleteGroupsRequest,
  response: deleteGroupsResponse,
  minVersion: 0,
  maxVersion: 2,

  async handle(_context, request, { groups }) {
    const replies = await groups.executeByGroup([...new Set(request.groupsNames)], (groupIds) => ({
      type: 'deleteGroups',
      groupIds,
    }))
    return { results: replies.flatMap((reply) => reply.results) }
  },

  refuse: (request, errorCode) => ({
    results: request.groupsNames.map((groupId) => ({ groupId, errorCode })),
  }),
})
