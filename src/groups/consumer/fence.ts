import { downgrade, downgradesWithout } from '../migration/downgrade.ts'
import type { GroupStep } from '../step.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerMember, MemberState, regexOf } from './member.ts'
import { groupEpochRecord, memberTombstones, patternTombstone } from './record-builders.ts'
import { Subscriptions } from './subscriptions.ts'
import { cancelTimers, consumerRebalanceTimer, consumerSessionTimer } from './timers.ts'

/**
 * Takes members out of the group, whether they leave or are made to, and moves the group on to the next epoch (Kafka's
 * `consumerGroupFenceMembers`). Their partitions are free at once. Where only classic members are left, they go on as a
 * classic group.
 */
export function fenceMembers(
  group: ConsumerGroup,
  members: readonly ConsumerMember[],
  step: GroupStep,
): void {
  if (members.length === 0) return
  if (downgradesWithout(group, members, step)) {
    downgrade(group, { leaving: members, rebalanceReason: 'the last members of the new protocol left' }, step)
    return
  }
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
  const hash = group.metadataHashOf(after, step.image, step.nowMs)
  step.append(groupEpochRecord(groupId, groupEpoch, hash))
}

/** A classic member brings its own timeout. */
export function restartSession(
  groupId: string,
  memberId: string,
  step: GroupStep,
  timeoutMs = step.options.consumer.groupSettings(groupId).sessionTimeoutMs,
): void {
  step.setTimer(consumerSessionTimer(groupId, memberId), timeoutMs)
}

/** A member that something was expected of, by then, is out. */
export function fenceLate(group: ConsumerGroup, memberId: string, late: LateFor, step: GroupStep): void {
  const member = group.members.get(memberId)
  if (member === undefined) return
  step.logger.info('member fenced', { groupId: group.groupId, memberId, reason: WHY_LATE[late] })
  fenceMembers(group, [member], step)
}

type LateFor = keyof typeof WHY_LATE

const WHY_LATE = {
  'consumer-session': 'its session expired',
  'consumer-join': 'it did not join again in time',
  'consumer-sync': 'it did not ask for its assignment in time',
} as const

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
