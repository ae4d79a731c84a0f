import { invariant } from '../../base/invariant.ts'
import type { GroupMetadataValue } from '../../wire/log-schemas/group-metadata-value.ts'
import {
  type ClassicMember,
  EMPTY_ASSIGNMENT,
  type MemberProtocol,
  metadataFor,
  type ParkedRequest,
} from './classic-member.ts'
import { subscribedTopicsOf } from './subscription.ts'

/**
 * The states of a classic group, and what each does with a request (Kafka's `ClassicGroupState`):
 *
 * | state | join | sync | heartbeat | leave | commit | leaves it |
 * |---|---|---|---|---|---|---|
 * | Empty | starts a rebalance | unknown member | unknown member | unknown member | from outside the membership | a join → PreparingRebalance |
 * | PreparingRebalance | parked | rebalance in progress | rebalance in progress, session kept | may complete the joins | of the old generation | all joined, or the rebalance timeout → CompletingRebalance; nobody left → Empty |
 * | CompletingRebalance | the current generation again, or a new rebalance when the metadata changed | parked until the leader's | accepted | → PreparingRebalance | rebalance in progress | the leader's assignment is written → Stable; join, leave, expiry → PreparingRebalance |
 * | Stable | leader or changed metadata: new rebalance; else the current generation again | the assignment | accepted | → PreparingRebalance | accepted | join, leave, expiry → PreparingRebalance |
 *
 * Kafka's fifth state, Dead, is how a group that doesn't exist is described.
 */
export type ClassicGroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

const PREVIOUS_STATES: Readonly<Record<ClassicGroupState, readonly ClassicGroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Stable', 'CompletingRebalance', 'Empty'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
}

/** The protocol type of consumers; others (Connect's 'connect', say) keep their subscriptions to themselves. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer'

/**
 * A group of the classic protocol: members, generation, state (Kafka's `ClassicGroup`).
 *
 * What its record in the log holds (members with their assignments, generation, protocol, leader) is the group as it
 * was when it last became Stable or Empty, or when a static member was replaced. Between those, while a rebalance is
 * under way, the group here is ahead of its record, and a restart falls back to the record: the members are told to
 * rejoin, or find their generation as it was.
 */
export class ClassicGroup {
  readonly type = 'classic'
  readonly groupId: string
  state: ClassicGroupState = 'Empty'
  previousState: ClassicGroupState = 'Empty'
  generationId = 0
  /** Null until the first member joins; a group that only holds offsets has none. */
  protocolType: string | null = null
  /** Chosen when a generation starts. */
  protocolName: string | null = null
  leaderId: string | null = null
  /** Milliseconds since the epoch; -1 when unknown. */
  stateTimestampMs: number
  /** In the order of joining. */
  readonly members = new Map<string, ClassicMember>()
  /** Group instance id to member id. */
  readonly staticMembers = new Map<string, string>()
  /** Member ids given out with MEMBER_ID_REQUIRED that have not come back yet. */
  readonly pendingJoinMembers = new Set<string>()
  /** Members of the current generation that have not sent their SyncGroup yet. */
  readonly pendingSyncMembers = new Set<string>()
  /** Someone joined since the initial rebalance was last extended. */
  newMemberAdded = false
  /** The initial rebalance under way: how long it waits now, and how much more it may be extended. */
  initialRebalance: { readonly delayMs: number; readonly remainingMs: number } | undefined
  /** What the members of a consumer group subscribe to; null when unknown. */
  subscribedTopics: ReadonlySet<string> | null = null
  /** How many members offer each protocol. */
  readonly #offers = new Map<string, number>()
  #awaitingJoin = 0

  constructor(groupId: string, stateTimestampMs: number) {
    this.groupId = groupId
    this.stateTimestampMs = stateTimestampMs
  }

  /** The group as its record has it. */
  static fromRecord(groupId: string, value: GroupMetadataValue): ClassicGroup {
    const group = new ClassicGroup(groupId, value.currentStateTimestamp)
    group.generationId = value.generation
    group.protocolType = value.protocolType === '' ? null : value.protocolType
    group.protocolName = value.protocol
    group.leaderId = value.leader
    for (const member of value.members) {
      group.add(
        {
          memberId: member.memberId,
          groupInstanceId: member.groupInstanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          rebalanceTimeoutMs:
            member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
          sessionTimeoutMs: member.sessionTimeout,
          protocols: [{ name: value.protocol ?? '', metadata: Buffer.from(member.subscription) }],
          assignment: Buffer.from(member.assignment),
          isNew: false,
          awaitingJoin: undefined,
          awaitingSync: undefined,
        },
        value.protocolType,
      )
    }
    if (group.members.size > 0) {
      group.state = 'Stable'
      group.previousState = 'Stable'
    }
    group.subscribedTopics = group.#computeSubscribedTopics()
    return group
  }

  get canRebalance(): boolean {
    return PREVIOUS_STATES.PreparingRebalance.includes(this.state)
  }

  transitionTo(state: ClassicGroupState, nowMs: number): void {
    invariant(
      PREVIOUS_STATES[state].includes(this.state),
      `group ${this.groupId} goes from ${this.state} to ${state}`,
    )
    this.previousState = this.state
    this.state = state
    this.stateTimestampMs = nowMs
  }

  /** The first member decides on the group's protocol type. */
  add(member: ClassicMember, protocolType: string): void {
    if (this.members.size === 0) this.protocolType = protocolType
    if (member.groupInstanceId !== null) this.staticMembers.set(member.groupInstanceId, member.memberId)
    this.leaderId ??= member.memberId
    this.members.set(member.memberId, member)
    this.#countOffers(member.protocols, 1)
    if (member.awaitingJoin !== undefined) this.#awaitingJoin++
    this.pendingJoinMembers.delete(member.memberId)
  }

  /** Forgets the member, also a pending one. Whoever calls has answered its parked requests. */
  remove(memberId: string): void {
    const member = this.members.get(memberId)
    if (member !== undefined) {
      this.members.delete(memberId)
      this.#countOffers(member.protocols, -1)
      if (member.awaitingJoin !== undefined) this.#awaitingJoin--
      if (member.groupInstanceId !== null) this.staticMembers.delete(member.groupInstanceId)
    }
    if (this.leaderId === memberId) this.leaderId = this.members.keys().next().value ?? null
    this.pendingJoinMembers.delete(memberId)
    this.pendingSyncMembers.delete(memberId)
  }

  /**
   * Gives a static member's place to a new member id; nothing else changes. Whoever calls has answered the parked
   * requests of the old one.
   */
  replaceStaticMember(old: ClassicMember, memberId: string): ClassicMember {
    invariant(old.groupInstanceId !== null, `member ${old.memberId} is static`)
    if (old.awaitingJoin !== undefined) this.#awaitingJoin--
    const member: ClassicMember = {
      ...old,
      memberId,
      isNew: false,
      awaitingJoin: undefined,
      awaitingSync: undefined,
    }
    this.members.delete(old.memberId)
    this.members.set(memberId, member)
    if (this.leaderId === old.memberId) this.leaderId = memberId
    if (this.pendingSyncMembers.delete(old.memberId)) this.pendingSyncMembers.add(memberId)
    this.staticMembers.set(old.groupInstanceId, memberId)
    return member
  }

  updateMember(
    member: ClassicMember,
    protocols: readonly MemberProtocol[],
    rebalanceTimeoutMs: number,
    sessionTimeoutMs: number,
  ): void {
    this.#countOffers(member.protocols, -1)
    this.#countOffers(protocols, 1)
    member.protocols = protocols
    member.rebalanceTimeoutMs = rebalanceTimeoutMs
    member.sessionTimeoutMs = sessionTimeoutMs
  }

  parkJoin(member: ClassicMember, request: ParkedRequest): void {
    if (member.awaitingJoin === undefined) this.#awaitingJoin++
    member.awaitingJoin = request
  }

  /** The parked join of the member, which is no longer parked; undefined when it had none. */
  unparkJoin(member: ClassicMember): ParkedRequest | undefined {
    const request = member.awaitingJoin
    if (request !== undefined) this.#awaitingJoin--
    member.awaitingJoin = undefined
    return request
  }

  get awaitingJoinCount(): number {
    return this.#awaitingJoin
  }

  get allMembersJoined(): boolean {
    return this.#awaitingJoin === this.members.size && this.pendingJoinMembers.size === 0
  }

  /** The longest of the members' rebalance timeouts. */
  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const member of this.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs)
    return longest
  }

  /** Whether someone with these protocols may join: the same type, and one protocol that all members offer. */
  supportsProtocols(protocolType: string, protocols: readonly { readonly name: string }[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0
    return (
      this.protocolType === protocolType &&
      protocols.some(({ name }) => (this.#offers.get(name) ?? 0) === this.members.size)
    )
  }

  /**
   * The protocol with the most votes among those that all members offer; a member votes for the first that it
   * prefers. Of equal ones, that of the member who joined first (Kafka leaves it to a hash map).
   */
  selectProtocol(): string {
    const votes = new Map<string, number>()
    for (const member of this.members.values()) {
      const vote = member.protocols.find(({ name }) => this.#offers.get(name) === this.members.size)
      invariant(vote !== undefined, `member ${member.memberId} offers a protocol of group ${this.groupId}`)
      votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1)
    }
    let selected = ''
    let most = 0
    for (const [name, count] of votes) {
      if (count > most) {
        selected = name
        most = count
      }
    }
    return selected
  }

  /**
   * Whether there is a leader that has rejoined: the present one, or else the first member that has. False when
   * nobody rejoined.
   */
  electJoinedLeader(): boolean {
    const leader = this.leaderId === null ? undefined : this.members.get(this.leaderId)
    if (leader?.awaitingJoin !== undefined) return true
    for (const member of this.members.values()) {
      if (member.awaitingJoin !== undefined) {
        this.leaderId = member.memberId
        return true
      }
    }
    return false
  }

  initNextGeneration(nowMs: number): void {
    this.generationId++
    this.protocolName = this.members.size > 0 ? this.selectProtocol() : null
    this.subscribedTopics = this.#computeSubscribedTopics()
    this.transitionTo(this.members.size > 0 ? 'CompletingRebalance' : 'Empty', nowMs)
    this.pendingSyncMembers.clear()
    this.initialRebalance = undefined
    this.newMemberAdded = false
  }

  /** Unknown subscriptions of a consumer group count as subscribed: an offset too many beats one too few. */
  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? this.protocolType === CONSUMER_PROTOCOL_TYPE
  }

  /** The group's record with these assignments, by member id. */
  toRecord(assignments: ReadonlyMap<string, Buffer>): GroupMetadataValue {
    return {
      protocolType: this.protocolType ?? '',
      generation: this.generationId,
      protocol: this.protocolName,
      leader: this.leaderId,
      currentStateTimestamp: this.stateTimestampMs,
      members: [...this.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: metadataFor(member, this.protocolName),
        assignment: assignments.get(member.memberId) ?? EMPTY_ASSIGNMENT,
      })),
    }
  }

  /** Counts each of a member's protocols once, however often it is named. */
  #countOffers(protocols: readonly MemberProtocol[], by: 1 | -1): void {
    for (const name of new Set(protocols.map((protocol) => protocol.name))) {
      const count = (this.#offers.get(name) ?? 0) + by
      if (count === 0) this.#offers.delete(name)
      else this.#offers.set(name, count)
    }
  }

  #computeSubscribedTopics(): ReadonlySet<string> | null {
    if (this.protocolType !== CONSUMER_PROTOCOL_TYPE) return null
    if (this.members.size === 0) return new Set()
    if (this.protocolName === null) return null
    const all = new Set<string>()
    for (const member of this.members.values()) {
      const topics = subscribedTopicsOf(metadataFor(member, this.protocolName))
      if (topics === undefined) return null
      for (const topic of topics) all.add(topic)
    }
    return all
  }
}
