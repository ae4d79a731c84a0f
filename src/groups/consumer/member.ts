import type { ConsumerGroupCurrentMemberAssignmentValue } from '../../wire/log-schemas/consumer-group-current-member-assignment-value.ts'
import type { ConsumerGroupMemberMetadataValue } from '../../wire/log-schemas/consumer-group-member-metadata-value.ts'
import { NO_PARTITION_EPOCHS, type PartitionEpochs } from './partition-epochs.ts'

/**
 * Where a member stands between what it owns and what it is to own (Kafka's `MemberState`; the numbers are those of the
 * log):
 *
 * | state | meaning | leaves it |
 * |---|---|---|
 * | STABLE | it owns all of its target of the epoch it is in | a newer target, or another subscription |
 * | UNREVOKED_PARTITIONS | it has to give up partitions, and stays in its epoch until it says that it has; the rebalance timeout runs | it owns none of them any more → the next two; the timeout → out of the group |
 * | UNRELEASED_PARTITIONS | it is in the target's epoch, but others have not given up all of its partitions yet | they have, or a newer target |
 * | UNKNOWN | a state of a newer release in the log | it rejoins with nothing |
 */
export const MemberState = {
  STABLE: 0,
  UNREVOKED_PARTITIONS: 1,
  UNRELEASED_PARTITIONS: 2,
  UNKNOWN: 127,
} as const
export type MemberState = (typeof MemberState)[keyof typeof MemberState]

/** The member has left, or is leaving. */
export const LEAVE_EPOCH = -1
/** A static member has left and may come back under its instance id: nobody else gets its partitions meanwhile. */
export const STATIC_LEAVE_EPOCH = -2

/** What a member of the classic protocol brought into the group, while the group moves from one to the other. */
export type ClassicMemberMetadata = NonNullable<ConsumerGroupMemberMetadataValue['classicMemberMetadata']>

/** A member of a consumer group (Kafka's `ConsumerGroupMember`). Immutable: a change makes another. */
export interface ConsumerMember {
  readonly memberId: string
  /** 0 before the first assignment, LEAVE_EPOCH and STATIC_LEAVE_EPOCH when leaving. */
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: MemberState
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly subscribedTopicNames: ReadonlySet<string>
  /** '' or null for none. */
  readonly subscribedTopicRegex: string | null
  /** The assignor that the member votes for. */
  readonly serverAssignor: string | null
  readonly assigned: PartitionEpochs
  readonly pendingRevocation: PartitionEpochs
  /** Null for a member that speaks the new protocol. */
  readonly classic: ClassicMemberMetadata | null
}

export function newMember(memberId: string): ConsumerMember {
  return {
    memberId,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: MemberState.STABLE,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: new Set(),
    subscribedTopicRegex: '',
    serverAssignor: null,
    assigned: NO_PARTITION_EPOCHS,
    pendingRevocation: NO_PARTITION_EPOCHS,
    classic: null,
  }
}

/** The pattern that the member subscribes by; null for none. */
export function regexOf(member: ConsumerMember | undefined): string | null {
  return member?.subscribedTopicRegex || null
}

export function isReconciledTo(member: ConsumerMember, assignmentEpoch: number): boolean {
  return member.state === MemberState.STABLE && member.memberEpoch === assignmentEpoch
}

export function sameNames(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a === b) return true
  if (a.size !== b.size) return false
  for (const name of a) if (!b.has(name)) return false
  return true
}

/** Whether the record of who the member is and what it subscribes to says the same of both. */
export function sameMetadata(a: ConsumerMember, b: ConsumerMember): boolean {
  return (
    a === b ||
    (a.instanceId === b.instanceId &&
      a.rackId === b.rackId &&
      a.clientId === b.clientId &&
      a.clientHost === b.clientHost &&
      a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
      a.subscribedTopicRegex === b.subscribedTopicRegex &&
      a.serverAssignor === b.serverAssignor &&
      sameNames(a.subscribedTopicNames, b.subscribedTopicNames) &&
      sameClassicMetadata(a.classic, b.classic))
  )
}

function sameClassicMetadata(a: ClassicMemberMetadata | null, b: ClassicMemberMetadata | null): boolean {
  if (a === b) return true
  if (a === null || b === null) return false
  return (
    a.sessionTimeoutMs === b.sessionTimeoutMs &&
    a.supportedProtocols.length === b.supportedProtocols.length &&
    a.supportedProtocols.every(({ name, metadata }, i) => {
      const other = b.supportedProtocols[i]!
      return name === other.name && metadata.equals(other.metadata)
    })
  )
}

export function withMetadata(
  member: ConsumerMember,
  value: ConsumerGroupMemberMetadataValue,
): ConsumerMember {
  return {
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    subscribedTopicNames: new Set(value.subscribedTopicNames),
    subscribedTopicRegex: value.subscribedTopicRegex,
    serverAssignor: value.serverAssignor,
    classic: value.classicMemberMetadata && copyClassicMetadata(value.classicMemberMetadata),
  }
}

/** Without the buffer that it was read from. */
function copyClassicMetadata(value: ClassicMemberMetadata): ClassicMemberMetadata {
  return {
    ...value,
    supportedProtocols: value.supportedProtocols.map(({ name, metadata }) => ({
      name,
      metadata: Buffer.from(metadata),
    })),
  }
}

export function withCurrentAssignment(
  member: ConsumerMember,
  value: ConsumerGroupCurrentMemberAssignmentValue,
): ConsumerMember {
  return {
    ...member,
    memberEpoch: value.memberEpoch,
    previousMemberEpoch: value.previousMemberEpoch,
    state: stateOf(value.state),
    assigned: epochsOf(value.assignedPartitions, value.memberEpoch),
    pendingRevocation: epochsOf(value.partitionsPendingRevocation, value.memberEpoch),
  }
}

/** What is left of a member whose assignment is deleted, until its metadata is too. */
export function withoutAssignment(member: ConsumerMember): ConsumerMember {
  return {
    ...member,
    memberEpoch: LEAVE_EPOCH,
    previousMemberEpoch: LEAVE_EPOCH,
    assigned: NO_PARTITION_EPOCHS,
    pendingRevocation: NO_PARTITION_EPOCHS,
  }
}

function stateOf(number: number): MemberState {
  return Object.values(MemberState).find((state) => state === number) ?? MemberState.UNKNOWN
}

/** Records of before KIP-1251 have no epochs: the partitions then count as owned since the member's epoch. */
function epochsOf(
  topics: ConsumerGroupCurrentMemberAssignmentValue['assignedPartitions'],
  memberEpoch: number,
): PartitionEpochs {
  if (topics.length === 0) return NO_PARTITION_EPOCHS
  const fallback = Math.max(memberEpoch, 0)
  return new Map(
    topics.map(({ topicId, partitions, assignmentEpochs }) => {
      const epochs = assignmentEpochs?.length === partitions.length ? assignmentEpochs : undefined
      return [topicId, new Map(partitions.map((partition, i) => [partition, epochs?.[i] ?? fallback]))]
    }),
  )
}
