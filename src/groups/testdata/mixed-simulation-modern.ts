import type { SeededRandom } from '../../testing/seeded-random.ts'
import { errorName } from '../../wire/error-codes.ts'
import type { GroupCommand, GroupReplies, GroupReply } from '../commands.ts'
import type { SimulatedClient } from './mixed-simulation.ts'
import { topicIdOf, topicNameOf } from './scenario-command.ts'

export interface ClientOptions {
  readonly groupId: string
  readonly instanceId: string | null
  readonly uuid: () => string
  readonly random: SeededRandom
}

const CONTEXT = { version: 1, clientId: 'c', clientHost: '/10.0.0.1' }

/** A consumer of the new protocol: gives up what it has to in its own time, and then says so. */
export class ModernClient implements SimulatedClient {
  readonly memberId: string
  epoch = 0
  readonly owned = new Set<string>()
  readonly #options: ClientOptions
  readonly #byPattern: boolean
  /** What it was told to own; what it owns beyond that it has yet to give up. */
  #target = new Set<string>()
  #joined = false
  #waits = false
  #tellsAll = true

  constructor(options: ClientOptions) {
    this.#options = options
    this.memberId = options.uuid()
    this.#byPattern = options.random.chance(0.3)
  }

  get isSettled(): boolean {
    return this.#joined
  }

  act(): GroupCommand | undefined {
    if (this.#waits) return undefined
    if (this.#joined && this.#options.random.chance(0.6)) this.#follow()
    this.#waits = true
    const joins = this.epoch === 0
    const tells = joins || this.#tellsAll || this.#options.random.chance(0.3)
    this.#tellsAll = false
    return this.#heartbeat(this.epoch, tells)
  }

  leave(): GroupCommand | undefined {
    if (!this.#joined || this.#waits) return undefined
    return this.#heartbeat(
      this.#options.instanceId !== null && this.#options.random.chance(0.7) ? -2 : -1,
      false,
    )
  }

  answered(_: GroupCommand, reply: GroupReply): void {
    this.#waits = false
    const { errorCode = 0, memberEpoch, assignment } = reply as GroupReplies['consumerGroupHeartbeat']
    switch (errorName(errorCode)) {
      case 'NONE':
        break
      case 'UNRELEASED_INSTANCE_ID':
      case 'NOT_COORDINATOR':
        this.#tellsAll = true
        return
      case 'FENCED_MEMBER_EPOCH':
      case 'UNKNOWN_MEMBER_ID':
        this.owned.clear()
        this.#target.clear()
        this.#joined = false
        this.epoch = 0
        return
      // Whoever was not heard of for long may come back to a group that is gone, or classic: it joins again.
      case 'GROUP_ID_NOT_FOUND':
        this.owned.clear()
        this.#target.clear()
        this.#joined = false
        this.epoch = 0
        return
      default:
        throw new Error(`consumer ${this.memberId} is told ${errorName(errorCode)}`)
    }
    this.#joined = true
    this.epoch = memberEpoch
    if (assignment === null || assignment === undefined) return
    this.#target = new Set(
      assignment.topicPartitions.flatMap(({ topicId, partitions }) =>
        partitions.map((partition) => `${topicNameOf(topicId)}-${partition}`),
      ),
    )
    for (const partition of this.#target) this.owned.add(partition)
  }

  /** Gives up what it is no longer to own. */
  #follow(): void {
    for (const partition of this.owned) {
      if (this.#target.has(partition)) continue
      this.owned.delete(partition)
      this.#tellsAll = true
    }
  }

  #heartbeat(memberEpoch: number, tells: boolean): GroupCommand {
    const { groupId, instanceId, uuid } = this.#options
    return {
      type: 'consumerGroupHeartbeat',
      request: {
        groupId,
        memberId: this.memberId,
        memberEpoch,
        instanceId,
        rackId: null,
        rebalanceTimeoutMs: tells ? 30_000 : -1,
        subscribedTopicNames: tells ? (this.#byPattern ? [] : ['t', 'u']) : null,
        subscribedTopicRegex: tells && this.#byPattern ? 't|u' : null,
        serverAssignor: null,
        topicPartitions: tells ? this.#ownedByTopic(memberEpoch) : null,
      },
      context: CONTEXT,
      uuid: uuid(),
    }
  }

  #ownedByTopic(memberEpoch: number): { topicId: string; partitions: number[] }[] {
    if (memberEpoch === 0) return []
    const topics = new Map<string, number[]>()
    for (const each of this.owned) {
      const [topic = '', partition = ''] = each.split('-')
      topics.set(topic, [...(topics.get(topic) ?? []), Number(partition)])
    }
    return Array.from(topics, ([topic, partitions]) => ({ topicId: topicIdOf(topic), partitions }))
  }
}
