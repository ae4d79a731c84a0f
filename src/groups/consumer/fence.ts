import type { GroupStep } from '../step.ts'
import { metadataHash } from '../topic-hash.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, MemberState, regexOf } from './member.ts'
import { groupEpochRecord, memberTombstones, patternTombstone } from './record-builders.ts'
import { Subscriptions } from './subscriptions.ts'
import { consumerRebalanceTimer, consumerSessionTimer } from './timers.ts'

/**
 * Takes members out of the group, whether they leave or are made to, and moves the group on to the next epoch (Kafka's
 * `consumerGroupFenceMembers`). Their partitions are free at once.
 */
export function fenceMembers(
  group: ConsumerGroup,
  members: readonly ConsumerMember[],
  step: GroupStep,
): void {
  if (members.length === 0) return
  const { groupId } = group
  const after = new Subscriptions(group.subscriptions)
  for (const member of members) {
    for (const record of memberTombstones(groupId, member.memberId)) step.append(record)
    after.replace(member, undefined)
    cancelTimers(groupId, member.memberId, step)
  }
  for (const pattern of new Set(members.map(regexOf))) {
    if (pattern === null || after.patterns.has(pattern)) continue
    step.append(patternTombstone(groupId, pattern))
    after.resolve(pattern, undefined)
  }
  const groupEpoch = group.groupEpoch + 1
  step.append(groupEpochRecord(groupId, groupEpoch, metadataHash(after.topicNames, step.image)))
}

export function cancelTimers(groupId: string, memberId: string, step: GroupStep): void {
  step.cancelTimer(consumerSessionTimer(groupId, memberId))
  step.cancelTimer(consumerRebalanceTimer(groupId, memberId))
}

export function restartSession(groupId: string, memberId: string, step: GroupStep): void {
  const { sessionTimeoutMs } = step.options.consumer.groupSettings(groupId)
  step.setTimer(consumerSessionTimer(groupId, memberId), sessionTimeoutMs)
}

export function sessionExpired(group: ConsumerGroup, memberId: string, step: GroupStep): void {
  const member = group.members.get(memberId)
  if (member === undefined) return
  step.logger.info('member fenced, its session expired', { groupId: group.groupId, memberId })
  fenceMembers(group, [member], step)
}

/** The member was to give up partitions; one that has left for a while is left to its session timeout. */
export function rebalanceTimeoutExpired(group: ConsumerGroup, memberId: string, step: GroupStep): void {
  const member = group.members.get(memberId)
  if (member === undefined || member.memberEpoch < 0) return
  if (member.state !== MemberState.UNREVOKED_PARTITIONS) return
  step.logger.info('member fenced, it did not give up partitions in time', {
    groupId: group.groupId,
    memberId,
    memberEpoch: member.memberEpoch,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
  })
  fenceMembers(group, [member], step)
}

/** This broker coordinates the group from now on: each member has its session timeout to be heard of. */
export function groupLoaded(group: ConsumerGroup, step: GroupStep): void {
  for (const member of group.members.values()) {
    restartSession(group.groupId, member.memberId, step)
    if (member.state === MemberState.UNREVOKED_PARTITIONS) {
      step.setTimer(consumerRebalanceTimer(group.groupId, member.memberId), member.rebalanceTimeoutMs)
    }
  }
}
