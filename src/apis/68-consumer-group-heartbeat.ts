/**
 * ConsumerGroupHeartbeat, versions 0–1 (KIP-848). v1: subscription by a regular expression, and member ids that clients
 * make themselves. Served while the feature `group.version` is finalized at 1 or above, and
 * `group.coordinator.rebalance.protocols` has it.
 */
import { LONGEST_KEY } from '../base/hashed-keys.ts'
import { randomUuid } from '../base/random.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from '../wire/schemas/68-consumer-group-heartbeat.ts'
import { servesConsumerGroups } from './consumer-groups.ts'
import { groupContext } from './group-context.ts'
import { handler } from './handler.ts'

export const consumerGroupHeartbeat = handler({
  request: consumerGroupHeartbeatRequest,
  response: consumerGroupHeartbeatResponse,
  minVersion: 0,
  maxVersion: 1,

  handle(context, request, services) {
    if (!servesConsumerGroups(services)) return refusal(ErrorCode.UNSUPPORTED_VERSION)
    // Members are kept by these, which clients make.
    if (Math.max(request.memberId.length, request.instanceId?.length ?? 0) > LONGEST_KEY)
      return refusal(ErrorCode.INVALID_REQUEST)
    return services.groups.execute(request.groupId, {
      type: 'consumerGroupHeartbeat',
      request,
      context: groupContext(context),
      uuid: randomUuid(services.random),
    })
  },

  refuse: (_request, errorCode) => refusal(errorCode),
})

function refusal(errorCode: number) {
  return { errorCode, memberEpoch: 0, heartbeatIntervalMs: 0 }
}
