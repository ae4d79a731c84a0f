import { invariant } from '../../base/invariant.ts'
import type { MetadataImage } from '../../cluster/metadata/image.ts'
import { NO_PARTITIONS, type TopicPartitions } from '../assignor/assignor.ts'
import { metadataHash } from '../topic-hash.ts'
import { type ConsumerMember, isReconciledTo } from './member.ts'
import type { PartitionEpochs } from './partition-epochs.ts'
import { type ResolvedPattern, Subscriptions } from './subscriptions.ts'
import type { AssignmentRun } from './target-assignment.ts'

/**
 * The states of a consumer group (Kafka's `ConsumerGroupState`); each follows from the members and the epochs:
 *
 * | state | meaning |
 * |---|---|
 * | Empty | no members |
 * | Assigning | the group's epoch is beyond that of the last assignment: the next heartbeat computes one, not more often than the assignment interval allows |
 * | Reconciling | members still move towards their targets |
 * | Stable | every member owns its target |
 */
export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

const INITIAL_EPOCH = 1

/** The target of an assignment that was deleted. */
const NO_ASSIGNMENT_EPOCH = -1

/**
 * A group of the new protocol (KIP-848; Kafka's `ConsumerGroup`): members with what they own, and the targets that they
 * move towards. All of it is what the records in the log say, and changes only when they are applied, so that after a
 * crash it is the same again. When the topics were last looked at is not in the log: after a restart that is due.
 *
 * Counters are kept so that a heartbeat does not depend on the number of members.
 */
export class ConsumerGroup {
  readonly type = 'consumer'
  readonly protocolType = 'consumer'
  readonly groupId: string
  readonly subscriptions = new Subscriptions()
  /** Classic members that were told to join again, and have a timer for it; not in the log. */
  readonly awaitedJoins = new Set<string>()
  /** `metadataHash` of the topics at the group's epoch. */
  metadataHash = 0n
  /** When the last assignment was computed, in milliseconds since the epoch; 0 when never. */
  assignmentTimestampMs = 0
  /** Kafka before 4.1 left a record of the group's topics, which is deleted when next they are looked at. */
  hasPartitionMetadataRecord = false
  /** An assignment on its way, too large for one step; not in the log. */
  assigning: AssignmentRun | undefined
  #groupEpoch = INITIAL_EPOCH
  #assignmentEpoch = INITIAL_EPOCH
  readonly #members = new Map<string, ConsumerMember>()
  readonly #staticMembers = new Map<string, string>()
  /** Members by the assignor that they vote for. */
  readonly #votes = new Map<string, number>()
  readonly #targets = new Map<string, TopicPartitions>()
  /** Who is to own each partition: the targets by topic id and partition. */
  readonly #targetOwners = new Map<string, Map<number, string>>()
  /** The epoch of the member that owns the partition, or has to give it up and has not. */
  readonly #ownerEpochs = new Map<string, Map<number, number>>()
  #unreconciled = 0
  #classicMembers = 0
  #refresh = { deadlineMs: 0, groupEpoch: 0 }

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get state(): ConsumerGroupState {
    if (this.#members.size === 0) return 'Empty'
    if (this.#groupEpoch > this.#assignmentEpoch) return 'Assigning'
    return this.#unreconciled > 0 ? 'Reconciling' : 'Stable'
  }

  get groupEpoch(): number {
    return this.#groupEpoch
  }

  set groupEpoch(epoch: number) {
    this.#groupEpoch = epoch
  }

  get assignmentEpoch(): number {
    return this.#assignmentEpoch
  }

  get members(): ReadonlyMap<string, ConsumerMember> {
    return this.#members
  }

  /** Group instance id to member id. */
  get staticMembers(): ReadonlyMap<string, string> {
    return this.#staticMembers
  }

  /** Members by the assignor that they vote for. */
  get assignorVotes(): ReadonlyMap<string, number> {
    return this.#votes
  }

  get targets(): ReadonlyMap<string, TopicPartitions> {
    return this.#targets
  }

  /** Members that speak the classic protocol. */
  get classicMemberCount(): number {
    return this.#classicMembers
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    return this.#members.get(this.#staticMembers.get(instanceId) ?? '')
  }

  target(memberId: string): TopicPartitions {
    return this.#targets.get(memberId) ?? NO_PARTITIONS
  }

  isTarget(topicId: string, partition: number): boolean {
    return this.#targetOwners.get(topicId)?.has(partition) ?? false
  }

  /** `isTarget` as it is now, whatever becomes of the targets. */
  targetsNow(): (topicId: string, partition: number) => boolean {
    const owners = new Map(
      Array.from(this.#targetOwners, ([topicId, each]) => [topicId, new Set(each.keys())]),
    )
    return (topicId, partition) => owners.get(topicId)?.has(partition) ?? false
  }

  /** Whether a member owns the partition, or has to give it up and has not. */
  isOwned(topicId: string, partition: number): boolean {
    return this.#ownerEpochs.get(topicId)?.has(partition) ?? false
  }

  /** Whether the group has to look at its topics again: they have changed, or it never did. */
  isMetadataStale(nowMs: number): boolean {
    return nowMs >= this.#refresh.deadlineMs || this.#groupEpoch < this.#refresh.groupEpoch
  }

  /** The topics were looked at, for this epoch: should its record not be written, they are stale still. */
  metadataLookedAt(nowMs: number, groupEpoch: number): void {
    this.#refresh = { deadlineMs: nowMs + MAX_METADATA_AGE_MS, groupEpoch }
  }

  /** The hash of the topics of these subscriptions, which is known where they are the group's own and nothing changed. */
  metadataHashOf(subscriptions: Subscriptions, image: MetadataImage, nowMs: number): bigint {
    const isKnown = !this.isMetadataStale(nowMs) && subscriptions.hasSameTopics(this.subscriptions)
    return isKnown ? this.metadataHash : metadataHash(subscriptions.topicNames, image)
  }

  requestMetadataRefresh(): void {
    this.#refresh = { deadlineMs: 0, groupEpoch: 0 }
  }

  setAssignmentEpoch(epoch: number, timestampMs: number): void {
    this.#assignmentEpoch = epoch
    this.assignmentTimestampMs = timestampMs
    this.#unreconciled = 0
    for (const member of this.#members.values()) if (!isReconciledTo(member, epoch)) this.#unreconciled++
  }

  deleteAssignmentEpoch(): void {
    this.setAssignmentEpoch(NO_ASSIGNMENT_EPOCH, 0)
  }

  setMember(member: ConsumerMember): void {
    const old = this.#members.get(member.memberId)
    this.#members.set(member.memberId, member)
    if (member.instanceId !== null) this.#staticMembers.set(member.instanceId, member.memberId)
    this.#replace(old, member)
  }

  deleteMember(memberId: string): void {
    const old = this.#members.get(memberId)
    if (old === undefined) return
    this.#members.delete(memberId)
    this.awaitedJoins.delete(memberId)
    if (old.instanceId !== null && this.#staticMembers.get(old.instanceId) === memberId) {
      this.#staticMembers.delete(old.instanceId)
    }
    this.#replace(old, undefined)
  }

  setTarget(memberId: string, target: TopicPartitions): void {
    const old = this.target(memberId)
    for (const [topicId, partitions] of old) {
      const owners = this.#targetOwners.get(topicId)
      if (owners === undefined) continue
      // Another member may have been given the partition by a record before this one.
      for (const partition of partitions) if (owners.get(partition) === memberId) owners.delete(partition)
      if (owners.size === 0) this.#targetOwners.delete(topicId)
    }
    for (const [topicId, partitions] of target) {
      const owners = partitionsOf(this.#targetOwners, topicId)
      for (const partition of partitions) owners.set(partition, memberId)
    }
    this.#targets.set(memberId, target)
  }

  deleteTarget(memberId: string): void {
    this.setTarget(memberId, NO_PARTITIONS)
    this.#targets.delete(memberId)
  }

  resolvePattern(pattern: string, resolved: ResolvedPattern | undefined): void {
    this.subscriptions.resolve(pattern, resolved)
  }

  #replace(old: ConsumerMember | undefined, member: ConsumerMember | undefined): void {
    this.subscriptions.replace(old, member)
    if (old !== undefined) {
      this.#vote(old.serverAssignor, -1)
      if (old.classic !== null) this.#classicMembers--
      if (!isReconciledTo(old, this.#assignmentEpoch)) this.#unreconciled--
    }
    if (member !== undefined) {
      this.#vote(member.serverAssignor, 1)
      if (member.classic !== null) this.#classicMembers++
      if (!isReconciledTo(member, this.#assignmentEpoch)) this.#unreconciled++
    }
    if (old?.assigned === member?.assigned && old?.pendingRevocation === member?.pendingRevocation) {
      if (old?.memberEpoch === member?.memberEpoch) return
    }
    if (old !== undefined) {
      this.#release(old.assigned, old.memberEpoch)
      this.#release(old.pendingRevocation, old.memberEpoch)
    }
    if (member !== undefined) {
      const free = this.#own(member.assigned, member.memberEpoch)
      invariant(
        this.#own(member.pendingRevocation, member.memberEpoch) && free,
        `the partitions of member ${member.memberId} of group ${this.groupId} have no other owner`,
      )
    }
  }

  #vote(assignor: string | null, by: 1 | -1): void {
    if (assignor === null) return
    const count = (this.#votes.get(assignor) ?? 0) + by
    if (count === 0) this.#votes.delete(assignor)
    else this.#votes.set(assignor, count)
  }

  #release(partitions: PartitionEpochs, memberEpoch: number): void {
    for (const [topicId, list] of partitions) {
      const epochs = this.#ownerEpochs.get(topicId)
      if (epochs === undefined) continue
      for (const partition of list.keys()) {
        if (epochs.get(partition) === memberEpoch) epochs.delete(partition)
      }
      if (epochs.size === 0) this.#ownerEpochs.delete(topicId)
    }
  }

  /** False where a partition has an owner of this epoch or a later one already. */
  #own(partitions: PartitionEpochs, memberEpoch: number): boolean {
    let free = true
    for (const [topicId, list] of partitions) {
      const epochs = partitionsOf(this.#ownerEpochs, topicId)
      for (const partition of list.keys()) {
        const owner = epochs.get(partition)
        if (owner === undefined || owner < memberEpoch) epochs.set(partition, memberEpoch)
        else free = false
      }
    }
    return free
  }
}

function partitionsOf<Value>(topics: Map<string, Map<number, Value>>, topicId: string): Map<number, Value> {
  let partitions = topics.get(topicId)
  if (partitions === undefined) {
    partitions = new Map()
    topics.set(topicId, partitions)
  }
  return partitions
}

/** Kafka's `METADATA_REFRESH_INTERVAL_MS`: changes are told, so that looking again is a safeguard. */
const MAX_METADATA_AGE_MS = 2 ** 31 - 1
