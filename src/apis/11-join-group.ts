/**
 * JoinGroup, versions 0–9. Answered when the rebalance that it starts or joins has completed.
 *
 * - v1: a rebalance timeout of its own; v4: a new dynamic member is given its id first (MEMBER_ID_REQUIRED).
 * - v5: static members (KIP-345); v7: the protocol's type and name; v8: the reason; v9: `skipAssignment` (KIP-814).
 */
import { LONGEST_KEY } from '../base/hashed-keys.ts'
import { randomUuidHex } from '../base/random.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { joinGroupRequest, joinGroupResponse } from '../wire/schemas/11-join-group.ts'
import { groupContext } from './group-context.ts'
import { handler } from './handler.ts'

export const joinGroup = handler({
  request: joinGroupRequest,
  response: joinGroupResponse,
  minVersion: 0,
  maxVersion: 9,

  handle(context, request, { groups, random }) {
    // Static members are kept by it.
    if ((request.groupInstanceId?.length ?? 0) > LONGEST_KEY) throw new KafkaError(ErrorCode.INVALID_REQUEST)
    return groups.execute(request.groupId, {
      type: 'joinGroup',
      request,
      context: groupContext(context),
      uuid: randomUuidHex(random),
    })
  },

  refuse: (request, errorCode) => ({
    errorCode,
    protocolName: '',
    leader: '',
    memberId: request.memberId,
    members: [],
  }),
})
