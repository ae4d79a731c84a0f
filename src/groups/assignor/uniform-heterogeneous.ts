import {
  type GroupAssignment,
  type GroupSpec,
  type MemberSpec,
  NO_PARTITIONS,
  type SubscribedTopics,
  type TopicPartitions,
} from './assignor.ts'
import { MemberBalancer } from './member-balancer.ts'
import { addPartition, copyOf, finished, type MutableAssignment, missingTopic } from './mutable-assignment.ts'
import { Pace } from './pace.ts'
import { Subscriptions } from './subscriptions.ts'

/**
 * Rounds over all topics in which partitions move until nothing gets better. Where the subscribers of each topic
 * subscribe to the same otherwise, one round is enough; the limit is for subscriptions that overlap.
 */
const MAX_ROUNDS = 16

const NOBODY = -1

interface Topic {
  readonly topicId: string
  readonly partitionCount: number
  /** Indexes of the members that subscribe to it, ascending. */
  readonly subscribers: number[]
  /** By partition: the index of the member that it is assigned to, or NOBODY. */
  readonly owners: Int32Array
}

/**
 * Assigns partitions evenly to members of different subscriptions, and leaves with each what it has as far as that is
 * even (Kafka's `UniformHeterogeneousAssignmentBuilder`): what nobody has goes to the least loaded subscribers, topic
 * after topic, then partitions move from the most to the least loaded subscribers of each topic. A member whose
 * assignment stays gets the very object that it had.
 */
export class HeterogeneousAssignment {
  readonly #members: readonly MemberSpec[]
  readonly #subscriptions: Subscriptions<Topic>
  /** Number of partitions assigned, by index of the member. */
  readonly #loads: Int32Array
  readonly #balancer: MemberBalancer
  readonly #pace = new Pace()
  /** By index of the member. */
  readonly #assignments: TopicPartitions[]
  /** Those of the assignments that were changed. */
  readonly #changed = new Map<number, MutableAssignment>()

  constructor(group: GroupSpec, topics: SubscribedTopics) {
    this.#members = [...group.members.values()]
    this.#loads = new Int32Array(this.#members.length)
    this.#balancer = new MemberBalancer(this.#loads)
    this.#assignments = this.#members.map((member) => member.assignment)
    this.#subscriptions = new Subscriptions((topicId) => topicOf(topicId, topics))
  }

  *assign(): Generator<undefined, GroupAssignment> {
    const pace = this.#pace
    for (const [index, member] of this.#members.entries()) {
      for (const topic of this.#subscriptions.of(member)) topic.subscribers.push(index)
      if (pace.isOver(member.subscribedTopicIds.size)) yield
    }
    const sorted = this.#subscriptions.topics.sort(byPartitionsPerSubscriber)
    if (sorted.length === 0) return new Map()

    for (const [index, member] of this.#members.entries()) {
      this.#revokeUnsubscribed(index, member)
      if (pace.isOver(member.assignment.size)) yield
    }
    for (const topic of sorted) {
      this.#assignUnassigned(topic)
      if (pace.isOver(topic.subscribers.length + topic.partitionCount)) yield
    }
    yield* this.#balance(sorted.filter((topic) => topic.subscribers.length >= 2))
    const assignments = new Map<string, TopicPartitions>()
    for (const [index, { memberId }] of this.#members.entries()) {
      const changed = this.#changed.get(index)
      assignments.set(memberId, changed === undefined ? this.#assignments[index]! : finished(changed))
    }
    return assignments
  }

  #revokeUnsubscribed(index: number, { subscribedTopicIds, assignment }: MemberSpec): void {
    for (const [topicId, partitions] of assignment) {
      if (!subscribedTopicIds.has(topicId)) {
        this.#mutable(index).delete(topicId)
        continue
      }
      const { owners } = this.#subscriptions.get(topicId)!
      for (const partition of partitions) owners[partition] = index
      this.#loads[index]! += partitions.length
    }
  }

  #assignUnassigned(topic: Topic): void {
    if (!topic.owners.includes(NOBODY)) return
    this.#balancer.start(topic.subscribers)
    for (let partition = 0; partition < topic.partitionCount; partition++) {
      if (topic.owners[partition] !== NOBODY) continue
      this.#give(topic, partition, this.#balancer.nextLeastLoaded())
    }
  }

  /** Ends when a round over all topics moved nothing. */
  *#balance(topics: readonly Topic[]): Generator<undefined, void> {
    let lastMoved = -1
    for (let round = 0; round < MAX_ROUNDS; round++) {
      for (const [index, topic] of topics.entries()) {
        if (index === lastMoved) return
        const moved = this.#balanceTopic(topic)
        if (moved > 0 || lastMoved === -1) lastMoved = index
        if (this.#pace.isOver(topic.subscribers.length + moved)) yield
      }
    }
  }

  /** Moves partitions of the topic between its subscribers; gives their number. */
  #balanceTopic(topic: Topic): number {
    if (this.#imbalanceOf(topic.subscribers) <= 1) return 0
    const balancer = this.#balancer
    balancer.start(topic.subscribers)
    const owned = partitionsByOwner(topic)
    for (let moved = 0; ; moved++) {
      const from = this.#nextGiver(owned)
      if (from === NOBODY) return moved
      const partition = owned.get(from)!.pop()!
      const to = balancer.nextLeastLoaded()
      if (balancer.isBalanced) return moved
      this.#give(topic, partition, to)
    }
  }

  /** The most loaded subscriber that has partitions of the topic to give up, or NOBODY. */
  #nextGiver(owned: ReadonlyMap<number, readonly number[]>): number {
    for (;;) {
      const index = this.#balancer.nextMostLoaded()
      if (index === NOBODY || (owned.get(index)?.length ?? 0) > 0) return index
      this.#balancer.excludeMostLoaded()
    }
  }

  #imbalanceOf(subscribers: readonly number[]): number {
    let least = Number.POSITIVE_INFINITY
    let most = 0
    for (const index of subscribers) {
      const load = this.#loads[index]!
      if (load < least) least = load
      if (load > most) most = load
    }
    return most - least
  }

  #give(topic: Topic, partition: number, to: number): void {
    const from = topic.owners[partition]!
    if (from !== NOBODY) {
      const assignment = this.#mutable(from)
      const partitions = assignment.get(topic.topicId)!
      if (partitions.length === 1) assignment.delete(topic.topicId)
      else partitions.splice(partitions.indexOf(partition), 1)
      this.#loads[from]!--
    }
    addPartition(this.#mutable(to), topic.topicId, partition)
    topic.owners[partition] = to
    this.#loads[to]!++
  }

  #mutable(index: number): MutableAssignment {
    let assignment = this.#changed.get(index)
    if (assignment === undefined) {
      assignment = copyOf(this.#assignments[index] ?? NO_PARTITIONS)
      this.#changed.set(index, assignment)
    }
    return assignment
  }
}

function topicOf(topicId: string, topics: SubscribedTopics): Topic {
  const partitionCount = topics.partitionCount(topicId)
  if (partitionCount === -1) throw missingTopic(topicId)
  return { topicId, partitionCount, subscribers: [], owners: new Int32Array(partitionCount).fill(NOBODY) }
}

/** The topic's partitions by the index of their owner, ascending. */
function partitionsByOwner({ owners }: Topic): Map<number, number[]> {
  const byOwner = new Map<number, number[]>()
  for (const [partition, owner] of owners.entries()) {
    const partitions = byOwner.get(owner)
    if (partitions === undefined) byOwner.set(owner, [partition])
    else partitions.push(partition)
  }
  return byOwner
}

/** Most partitions per subscriber first, then the fewest subscribers, then the topic id. */
function byPartitionsPerSubscriber(a: Topic, b: Topic): number {
  return (
    b.partitionCount / b.subscribers.length - a.partitionCount / a.subscribers.length ||
    a.subscribers.length - b.subscribers.length ||
    compareUuids(a.topicId, b.topicId)
  )
}

/** As Java does: the upper half, then the lower one, as signed numbers. */
function compareUuids(a: string, b: string): number {
  const left = Buffer.from(a, 'base64url')
  const right = Buffer.from(b, 'base64url')
  for (const at of [0, 8]) {
    const difference = left.readBigInt64BE(at) - right.readBigInt64BE(at)
    if (difference !== 0n) return difference < 0n ? -1 : 1
  }
  return 0
}
