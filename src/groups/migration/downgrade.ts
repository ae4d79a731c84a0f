import type { MetadataImage } from '../../cluster/metadata/image.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import { ClassicGroup, CONSUMER_PROTOCOL_TYPE } from '../classic/classic-group.ts'
import { EMPTY_ASSIGNMENT, metadataFor } from '../classic/classic-member.ts'
import { prepareRebalance, restartSession } from '../classic/rebalance.ts'
import type { ConsumerGroup } from '../consumer/consumer-group.ts'
import type { ConsumerMember } from '../consumer/member.ts'
import { groupTombstones } from '../consumer/record-builders.ts'
import { cancelTimers } from '../consumer/timers.ts'
import { classicGroup } from '../group.ts'
import type { GroupRecord } from '../records.ts'
import type { GroupStep } from '../step.ts'
import { encodeAssignment } from './consumer-protocol.ts'
import { allowsDowngrade } from './policy.ts'

/** Whether the group becomes a classic one when these members leave: it has others, and all of those are classic. */
export function downgradesWithout(
  group: ConsumerGroup,
  leaving: readonly ConsumerMember[],
  step: GroupStep,
): boolean {
  const left = group.members.size - leaving.length
  const classicLeft = group.classicMemberCount - leaving.filter(({ classic }) => classic !== null).length
  return classicLeft === left && left > 0 && mayDowngrade(group, left, step)
}

/** Whether it becomes one when a classic member takes the place of this static one: it is the last that is not. */
export function downgradesReplacing(
  group: ConsumerGroup,
  replaced: ConsumerMember,
  step: GroupStep,
): boolean {
  return (
    replaced.classic === null &&
    group.classicMemberCount === group.members.size - 1 &&
    mayDowngrade(group, group.members.size, step)
  )
}

function mayDowngrade({ groupId }: ConsumerGroup, size: number, { options, logger }: GroupStep): boolean {
  const reason = !allowsDowngrade(options.consumer.migrationPolicy)
    ? 'disabled'
    : size > options.maxSize
      ? 'more members than group.max.size'
      : undefined
  if (reason !== undefined) logger.info('consumer group stays one', { groupId, reason })
  return reason === undefined
}

export interface Downgrade {
  /** Members that leave with the same step. */
  readonly leaving: readonly ConsumerMember[]
  /** The static member `replaced`, which the log has under `joining`'s member id by now, is classic as `joining`. */
  readonly replacement?: { readonly replaced: ConsumerMember; readonly joining: ConsumerMember }
  /** Why the classic group has to rebalance; null when everyone has its target. */
  readonly rebalanceReason: string | null
}

/**
 * Makes a classic group of a consumer group whose members are all classic ones (Kafka's `convertToClassicGroup`). Its
 * epoch becomes the generation, and each member is assigned its target, in the protocol that most of them prefer.
 */
export function downgrade(group: ConsumerGroup, change: Downgrade, step: GroupStep): void {
  const { groupId } = group
  const { replacement, rebalanceReason } = change
  const memberIds = [...group.members.keys()]
  const gone = replacement && { from: replacement.replaced.memberId, to: replacement.joining.memberId }
  for (const record of groupTombstones(group, gone)) step.append(record)
  step.append(classicGroupRecord(group, change, step.nowMs, step.image))
  step.whenWritten((errorCode, after) => {
    if (errorCode !== ErrorCode.NONE) return
    for (const memberId of memberIds) cancelTimers(groupId, memberId, after)
    const classic = classicGroup(after.groups, groupId)
    if (classic === undefined) return
    for (const member of classic.members.values()) restartSession(classic, member, after)
    if (rebalanceReason !== null) prepareRebalance(classic, rebalanceReason, after)
  })
  step.logger.info('consumer group became a classic group', { groupId, generation: group.groupEpoch })
}

function classicGroupRecord(
  group: ConsumerGroup,
  { leaving, replacement }: Downgrade,
  nowMs: number,
  image: MetadataImage,
): GroupRecord {
  const classic = new ClassicGroup(group.groupId, nowMs)
  classic.generationId = group.groupEpoch
  const left = new Set([...leaving.map(({ memberId }) => memberId), replacement?.replaced.memberId])
  const members = [...group.members.values()].filter(({ memberId }) => !left.has(memberId))
  for (const member of replacement ? [...members, replacement.joining] : members) addClassic(classic, member)
  classic.protocolName = classic.selectProtocol()
  const assignments = new Map<string, Buffer>()
  for (const member of classic.members.values()) {
    const ofMember =
      member.memberId === replacement?.joining.memberId ? replacement.replaced.memberId : member.memberId
    const metadata = metadataFor(member, classic.protocolName)
    assignments.set(member.memberId, encodeAssignment(group.target(ofMember), metadata, image))
  }
  return { type: 'groupMetadata', groupId: group.groupId, value: classic.toRecord(assignments) }
}

function addClassic(group: ClassicGroup, member: ConsumerMember): void {
  const { memberId, instanceId, clientId, clientHost, rebalanceTimeoutMs, classic } = member
  group.add(
    {
      memberId,
      groupInstanceId: instanceId,
      clientId,
      clientHost,
      rebalanceTimeoutMs,
      sessionTimeoutMs: classic?.sessionTimeoutMs ?? rebalanceTimeoutMs,
      protocols: classic?.supportedProtocols ?? [],
      assignment: EMPTY_ASSIGNMENT,
      isNew: false,
      awaitingJoin: undefined,
      awaitingSync: undefined,
    },
    CONSUMER_PROTOCOL_TYPE,
  )
}
