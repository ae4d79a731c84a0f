/**
 * ConsumerGroupDescribe, versions 0–1 (KIP-848). v1: which protocol each member speaks. A group of another type is as
 * good as none.
 */
import { refusedConsumerGroup } from '../groups/consumer/describe.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  consumerGroupDescribeRequest,
  consumerGroupDescribeResponse,
} from '../wire/schemas/69-consumer-group-describe.ts'
import { GROUP_OPERATIONS } from './authorized-operations.ts'
import { servesConsumerGroups } from './consumer-groups.ts'
import { handler } from './handler.ts'

export const consumerGroupDescribe = handler({
  request: consumerGroupDescribeRequest,
  response: consumerGroupDescribeResponse,
  minVersion: 0,
  maxVersion: 1,

  async handle(_context, request, services) {
    if (!servesConsumerGroups(services)) return refusals(request.groupIds, ErrorCode.UNSUPPORTED_VERSION)
    const named = request.groupIds.filter((groupId) => groupId !== '')
    const unnamed = request.groupIds.filter((groupId) => groupId === '')
    const replies = await services.groups.executeByGroup(named, (groupIds) => ({
      type: 'consumerGroupDescribe',
      groupIds,
    }))
    return {
      groups: [
        ...refusals(unnamed, ErrorCode.INVALID_GROUP_ID).groups,
        ...replies.flatMap(({ groups }) =>
          groups.map((group) =>
            request.includeAuthorizedOperations && group.errorCode === ErrorCode.NONE
              ? { ...group, authorizedOperations: GROUP_OPERATIONS }
              : group,
          ),
        ),
      ],
    }
  },

  refuse: ({ groupIds }, errorCode) => refusals(groupIds, errorCode),
})

function refusals(groupIds: readonly string[], errorCode: number) {
  return { groups: groupIds.map((groupId) => refusedConsumerGroup(groupId, errorCode)) }
}
