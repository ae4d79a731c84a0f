/** DescribeGroups, versions 0–6. v3: authorized operations; v6: a missing group is an error and not the state Dead alone. */
import { ErrorCode } from '../wire/error-codes.ts'
import { describeGroupsRequest, describeGroupsResponse } from '../wire/schemas/15-describe-groups.ts'
import { GROUP_OPERATIONS } from './authorized-operations.ts'
import { groupContext } from './group-context.ts'
import { handler } from './handler.ts'

export const describeGroups = handler({
  request: describeGroupsRequest,
  response: describeGroupsResponse,
  minVersion: 0,
  maxVersion: 6,

  async handle(context, request, { groups }) {
    const replies = await groups.executeByGroup(request.groups, (groupIds) => ({
      type: 'describeGroups',
      groupIds,
      context: groupContext(context),
    }))
    return {
      groups: replies.flatMap((reply) =>
        reply.groups.map((group) =>
          request.includeAuthorizedOperations && group.errorCode === ErrorCode.NONE
            ? { ...group, authorizedOperations: GROUP_OPERATIONS }
            : group,
        ),
      ),
    }
  },

  refuse: (request, errorCode) => ({
    groups: request.groups.map((groupId) => ({
      errorCode,
      groupId,
      groupState: '',
      protocolType: '',
      protocolData: '',
      members: [],
    })),
  }),
})
