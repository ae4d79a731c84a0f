import type { ConsumerGroup } from '../consumer/consumer-group.ts'
import type { ConsumerMember } from '../consumer/member.ts'
import { consumerJoinTimer } from '../consumer/timers.ts'
import type { GroupStep } from '../step.ts'

/** A classic member was told to join again and has its rebalance timeout from the first time that it was told. */
export function awaitJoin(
  group: ConsumerGroup,
  { memberId, rebalanceTimeoutMs }: ConsumerMember,
  step: GroupStep,
): void {
  if (group.awaitedJoins.has(memberId)) return
  group.awaitedJoins.add(memberId)
  step.setTimer(consumerJoinTimer(group.groupId, memberId), rebalanceTimeoutMs)
}

export function joined(group: ConsumerGroup, memberId: string, step: GroupStep): void {
  if (group.awaitedJoins.delete(memberId)) step.cancelTimer(consumerJoinTimer(group.groupId, memberId))
}
