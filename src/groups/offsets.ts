import { ErrorCode } from '../wire/error-codes.ts'
import type { OffsetCommitValue } from '../wire/log-schemas/offset-commit-value.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import type { OffsetDeleteRequest } from '../wire/schemas/47-offset-delete.ts'
import { CONSUMER_PROTOCOL_TYPE } from './classic/classic-group.ts'
import { restartSession } from './classic/rebalance.ts'
import { refusalOfCommit } from './classic/validation.ts'
import type {
  CommandOf,
  FetchedOffset,
  FetchedOffsets,
  GroupReplies,
  OffsetCommitResult,
  OffsetToCommit,
} from './commands.ts'
import type { CommittedOffsets } from './committed-offsets.ts'
import { commitCheck, fetchRefusal } from './consumer/validation.ts'
import type { Group } from './group.ts'
import type { PendingOffsets } from './pending-offsets.ts'
import type { GroupStep } from './step.ts'

/**
 * Commits, reads and deletes offsets (Kafka's `OffsetMetadataManager`). Nothing here changes an offset: that is done
 * by applying the records.
 */

type Groups = ReadonlyMap<string, Group>

/**
 * OffsetCommit. A commit without a generation to a group that doesn't exist makes one that has offsets only; a commit
 * by a member counts as a heartbeat.
 */
export function commitOffsets(
  groups: Groups,
  command: CommandOf<'offsetCommit'>,
  step: GroupStep,
): readonly OffsetCommitResult[] {
  const { groupId, memberId } = command
  const group = groups.get(groupId)
  const refusal = refusalOf(group, command)
  if (
    refusal === ErrorCode.NONE &&
    group?.type === 'classic' &&
    (group.state === 'Stable' || group.state === 'PreparingRebalance')
  ) {
    const member = group.members.get(memberId)
    if (member !== undefined) restartSession(group, member, step)
  }
  const retentionMs = command.retentionTimeMs === -1 ? undefined : command.retentionTimeMs
  return appendOffsets(groupId, command.partitions, refusal, retentionMs, step)
}

function appendOffsets(
  groupId: string,
  partitions: readonly OffsetToCommit[],
  refusal: number,
  retentionMs: number | undefined,
  step: GroupStep,
): readonly OffsetCommitResult[] {
  return partitions.map((toCommit) => {
    const { topic, topicId, partition, offset, leaderEpoch, metadata, commitTimestampMs = -1 } = toCommit
    let errorCode = refusal
    if (errorCode === ErrorCode.NONE && (metadata?.length ?? 0) > step.options.offsetMetadataMaxBytes) {
      errorCode = ErrorCode.OFFSET_METADATA_TOO_LARGE
    }
    if (errorCode === ErrorCode.NONE) {
      const value: OffsetCommitValue = {
        offset,
        leaderEpoch,
        metadata: metadata ?? '',
        commitTimestamp: commitTimestampMs === -1 ? step.nowMs : commitTimestampMs,
        expireTimestamp: retentionMs === undefined ? -1 : step.nowMs + retentionMs,
        topicId,
      }
      step.append({ type: 'offsetCommit', groupId, topic, partition, value })
      step.counts.committedOffsets++
    }
    return { topic, topicId, partition, errorCode }
  })
}

/**
 * TxnOffsetCommit: the offsets count when the transaction is committed. Who names neither member nor generation is
 * believed, as producers before KIP-447 are, whatever the group does meanwhile.
 */
export function commitOffsetsInTransaction(
  groups: Groups,
  command: CommandOf<'txnOffsetCommit'>,
  step: GroupStep,
): readonly OffsetCommitResult[] {
  const { groupId, producerId, producerEpoch, partitions } = command
  step.inTransactionOf({ producerId, producerEpoch })
  return appendOffsets(
    groupId,
    partitions,
    refusalInTransaction(groups.get(groupId), command),
    undefined,
    step,
  )
}

function refusalInTransaction(group: Group | undefined, command: CommandOf<'txnOffsetCommit'>): number {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId, context } = command
  const names = generationId >= 0 || memberId !== '' || groupInstanceId !== null
  if (group === undefined) return generationId < 0 ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION
  if (group.type === 'classic') {
    return names ? refusalOfCommit(group, memberId, groupInstanceId, generationId) : ErrorCode.NONE
  }
  const { version } = context
  const member = { memberId, groupInstanceId, memberEpoch: generationId, isTransactional: true, version }
  const check = commitCheck(group, member)
  for (const { topicId, partition } of command.partitions) {
    const refusal = check(topicId, partition)
    // The request is older than member epochs.
    if (refusal === ErrorCode.STALE_MEMBER_EPOCH) return ErrorCode.ILLEGAL_GENERATION
    if (refusal !== ErrorCode.NONE) return refusal
  }
  return ErrorCode.NONE
}

/** A partition that a consumer group's member may not commit for refuses the whole commit, as in Kafka. */
function refusalOf(group: Group | undefined, command: CommandOf<'offsetCommit'>): number {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId, context } = command
  if (group?.type === 'consumer') {
    const { version } = context
    const check = commitCheck(group, {
      memberId,
      groupInstanceId,
      memberEpoch: generationId,
      isTransactional: false,
      version,
    })
    for (const { topicId, partition } of command.partitions) {
      const refusal = check(topicId, partition)
      if (refusal !== ErrorCode.NONE) return refusal
    }
    return ErrorCode.NONE
  }
  if (group !== undefined) return refusalOfCommit(group, memberId, groupInstanceId, generationId)
  if (generationId < 0) return ErrorCode.NONE
  // KIP-848 gave the missing group an error of its own in v9.
  return context.version >= 9 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION
}

/**
 * OffsetFetch of one group: a group or an offset that doesn't exist is an offset of -1, never an error. Who calls itself
 * a member of a consumer group has to be one, in its present epoch.
 */
export function fetchOffsets(
  groups: Groups,
  offsets: CommittedOffsets,
  pending: PendingOffsets,
  { groupId, memberId, memberEpoch, topics, requireStable }: CommandOf<'offsetFetch'>,
): FetchedOffsets {
  const group = groups.get(groupId)
  const errorCode = group?.type === 'consumer' ? fetchRefusal(group, memberId, memberEpoch) : ErrorCode.NONE
  if (errorCode !== ErrorCode.NONE) return { errorCode, topics: [] }
  const committed = offsets.ofGroup(groupId)
  const isUnstable = (topic: string, partition: number) =>
    requireStable && pending.has(groupId, topic, partition)
  if (topics === null) {
    return {
      errorCode: ErrorCode.NONE,
      topics: [...committed].map(([topic, partitions]) => ({
        topic,
        topicId: ZERO_UUID,
        partitions: [...partitions].map(([partition, value]) =>
          isUnstable(topic, partition) ? unstable(partition) : fetched(partition, value),
        ),
      })),
    }
  }
  return {
    errorCode: ErrorCode.NONE,
    topics: topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map((partition) => {
        if (isUnstable(topic, partition)) return unstable(partition)
        const value = committed.get(topic)?.get(partition)
        return fetched(partition, value === undefined || isOther(value.topicId, topicId) ? undefined : value)
      }),
    })),
  }
}

function fetched(partitionIndex: number, value: OffsetCommitValue | undefined): FetchedOffset {
  return {
    partitionIndex,
    committedOffset: value?.offset ?? -1n,
    committedLeaderEpoch: value?.leaderEpoch ?? -1,
    metadata: value?.metadata ?? '',
    errorCode: ErrorCode.NONE,
  }
}

function unstable(partitionIndex: number): FetchedOffset {
  return { ...fetched(partitionIndex, undefined), errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT }
}

/** Both known and not the same: the topic was deleted and made again since. */
function isOther(topicId: string, otherId: string): boolean {
  return topicId !== ZERO_UUID && otherId !== ZERO_UUID && topicId !== otherId
}

/** OffsetDelete: only of an empty group, or of topics that a consumer group is not subscribed to (KIP-496). */
export function deleteOffsets(
  groups: Groups,
  offsets: CommittedOffsets,
  pending: PendingOffsets,
  request: OffsetDeleteRequest,
  step: GroupStep,
): GroupReplies['offsetDelete'] {
  if (request.groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] }
  const group = groups.get(request.groupId)
  if (group === undefined) return { errorCode: ErrorCode.GROUP_ID_NOT_FOUND, topics: [] }
  if (group.state !== 'Empty' && group.protocolType !== CONSUMER_PROTOCOL_TYPE) {
    return { errorCode: ErrorCode.NON_EMPTY_GROUP, topics: [] }
  }
  return {
    errorCode: ErrorCode.NONE,
    topics: request.topics.map(({ name, partitions }) => {
      const subscribed = isSubscribed(group, name)
      return {
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          const { groupId } = group
          const isThere =
            offsets.get(groupId, name, partitionIndex) !== undefined ||
            pending.has(groupId, name, partitionIndex)
          if (!subscribed && isThere) {
            step.appendTombstone(tombstone(groupId, name, partitionIndex))
            step.counts.deletedOffsets++
          }
          const errorCode = subscribed ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE
          return { partitionIndex, errorCode }
        }),
      }
    }),
  }
}

/** Drops all offsets of a group that is deleted, those of transactions that have not ended as well. */
export function deleteAllOffsets(
  offsets: CommittedOffsets,
  pending: PendingOffsets,
  groupId: string,
  step: GroupStep,
): void {
  for (const { topic, partition } of pending.ofGroup(groupId)) {
    if (offsets.get(groupId, topic, partition) === undefined) {
      step.appendTombstone(tombstone(groupId, topic, partition))
    }
  }
  for (const [topic, partitions] of offsets.ofGroup(groupId)) {
    for (const partition of partitions.keys()) {
      step.appendTombstone(tombstone(groupId, topic, partition))
      step.counts.deletedOffsets++
    }
  }
}

/** Drops the offsets of deleted topics, but not those of a topic that has the name now. Gives their number. */
export function deleteOffsetsOfTopics(
  offsets: CommittedOffsets,
  pending: PendingOffsets,
  deleted: CommandOf<'topicsDeleted'>['topics'],
  step: GroupStep,
): number {
  let count = 0
  for (const [groupId, topics] of offsets.entries()) {
    for (const { name, id } of deleted) {
      for (const [partition, value] of topics.get(name) ?? []) {
        if (isOther(value.topicId, id)) continue
        step.appendTombstone(tombstone(groupId, name, partition))
        count++
      }
    }
  }
  step.counts.deletedOffsets += count
  const names = new Set(deleted.map(({ name }) => name))
  for (const groupId of pending.groupIds) {
    for (const { topic, partition } of pending.ofGroup(groupId)) {
      const isAlone = offsets.get(groupId, topic, partition) === undefined
      if (isAlone && names.has(topic)) step.appendTombstone(tombstone(groupId, topic, partition))
    }
  }
  return count
}

/**
 * Drops the group's expired offsets and tells whether any is left. The retention counts from when the group became
 * empty; offsets of a group without members ever, and of topics that a stable consumer group no longer subscribes
 * to, count from their commit, as do all of a group of the new protocol. A subscribed topic never expires, nor does
 * anything of other groups with members (`offsetExpirationCondition` of Kafka's `ClassicGroup` and `ConsumerGroup`).
 */
export function expireOffsets(
  group: Group,
  offsets: CommittedOffsets,
  pending: PendingOffsets,
  step: GroupStep,
): { readonly expired: number; readonly anyLeft: boolean } {
  const since = expiryBase(group)
  let expired = 0
  let anyLeft = pending.hasAny(group.groupId)
  for (const [topic, partitions] of offsets.ofGroup(group.groupId)) {
    if (since === undefined || isSubscribed(group, topic)) {
      anyLeft = true
      continue
    }
    for (const [partition, value] of partitions) {
      const isExpired =
        value.expireTimestamp === -1
          ? step.nowMs - since(value) >= step.options.offsetsRetentionMs
          : step.nowMs >= value.expireTimestamp
      if (isExpired && !pending.has(group.groupId, topic, partition)) {
        step.appendTombstone(tombstone(group.groupId, topic, partition))
        expired++
      } else anyLeft = true
    }
  }
  step.counts.expiredOffsets += expired
  return { expired, anyLeft }
}

/** From when an offset's retention counts, in milliseconds since the epoch; undefined when none of them expires. */
function expiryBase(group: Group): ((value: OffsetCommitValue) => number) | undefined {
  const sinceCommit = (value: OffsetCommitValue) => value.commitTimestamp
  if (group.type === 'consumer' || group.protocolType === null) return sinceCommit
  if (group.state === 'Empty') {
    return group.stateTimestampMs === -1 ? sinceCommit : () => group.stateTimestampMs
  }
  const knowsTopics = group.protocolType === CONSUMER_PROTOCOL_TYPE && group.subscribedTopics !== null
  return group.state === 'Stable' && knowsTopics ? sinceCommit : undefined
}

function isSubscribed(group: Group, topic: string): boolean {
  return group.type === 'consumer' ? group.subscriptions.has(topic) : group.isSubscribedTo(topic)
}

function tombstone(groupId: string, topic: string, partition: number) {
  return { type: 'offsetCommit', groupId, topic, partition, value: null } as const
}
