import { randomUuid } from '../../../base/random.ts'
import { ErrorCode, isRetriable } from '../../../wire/error-codes.ts'
import {
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from '../../../wire/schemas/68-consumer-group-heartbeat.ts'
import { type Link, LinkBroken } from '../link.ts'
import type { Actor, Scene, SimulatedPartition } from '../scene.ts'
import { commitOnce } from './offset-committer.ts'

export interface ConsumerMemberOptions {
  readonly group: string
  readonly topics: readonly string[]
}

/** As the broker is configured. */
export const SESSION_TIMEOUT_MS = 3000
export const HEARTBEAT_MS = 300
const REBALANCE_TIMEOUT_MS = 30_000
const JOIN_EPOCH = 0
const LEAVE_EPOCH = -1

/** A member of a group of the consumer protocol (KIP-848) that comes, heartbeats, commits, dies, leaves and comes again. */
export class ConsumerMember implements Actor {
  readonly name: string
  readonly #scene: Scene
  readonly #options: ConsumerMemberOptions
  readonly #link: Link
  #lives = 0
  #memberId = ''
  #epoch = JOIN_EPOCH
  #owned = new Set<SimulatedPartition>()
  /** Of the last heartbeat that was answered, when it was sent. */
  #heardFromMs = 0
  /** The next heartbeat says everything. */
  #isFull = true

  constructor(scene: Scene, name: string, options: ConsumerMemberOptions) {
    this.name = name
    this.#scene = scene
    this.#options = options
    this.#link = scene.link(name)
  }

  async run(): Promise<void> {
    const { world } = this.#scene
    const { random } = this.#link
    while (!this.#scene.isEnding) {
      this.#memberId = randomUuid(random)
      this.#lives++
      this.#rejoin()
      await this.#live(random.integer(3, 40))
      // Others are told, or find out.
      if (random.chance(0.5) || this.#scene.isEnding) await this.#leave()
      else await this.#link.close()
      this.#letGo()
      await world.sleep(random.float() * 1000)
    }
    await this.#link.close()
  }

  async #live(heartbeats: number): Promise<void> {
    for (let done = 0; done < heartbeats && !this.#scene.isEnding; done++) {
      await this.#scene.passGate()
      await this.#beat()
      if (this.#link.random.chance(0.3)) await this.#commit()
      await this.#scene.world.sleep(HEARTBEAT_MS * this.#link.random.float())
    }
  }

  async #beat(): Promise<void> {
    const { world } = this.#scene
    const sentMs = world.clock.monotonicMs()
    if (this.#epoch !== JOIN_EPOCH && sentMs >= this.#heardFromMs + SESSION_TIMEOUT_MS) this.#rejoin()
    const isFull = this.#isFull
    try {
      const answer = await this.#link.ask(
        consumerGroupHeartbeatRequest,
        consumerGroupHeartbeatResponse,
        1,
        this.#heartbeat(isFull),
      )
      world.note(this.name, `heartbeat in epoch ${this.#epoch} -> ${answer.errorCode} ${answer.memberEpoch}`)
      if (answer.errorCode === ErrorCode.NONE) {
        this.#isFull = false
        this.#epoch = answer.memberEpoch
        this.#heardFromMs = sentMs
        if (answer.assignment !== null) this.#assigned(answer.assignment.topicPartitions)
        this.#scene.count('consumer heartbeats')
      } else if (
        answer.errorCode === ErrorCode.FENCED_MEMBER_EPOCH ||
        answer.errorCode === ErrorCode.UNKNOWN_MEMBER_ID ||
        (answer.errorCode === ErrorCode.GROUP_ID_NOT_FOUND && this.#scene.losses > 0)
      ) {
        this.#rejoin()
      } else {
        world.check(
          isRetriable(answer.errorCode),
          () => `${this.name}: heartbeat is refused for good with ${answer.errorCode}`,
        )
        this.#isFull = true
      }
    } catch (error) {
      if (!(error instanceof LinkBroken)) throw error
      this.#isFull = true
    }
  }

  #heartbeat(isFull: boolean) {
    const { group, topics } = this.#options
    const ids = { groupId: group, memberId: this.#memberId, memberEpoch: this.#epoch }
    const topicPartitions = this.#ownedByTopic()
    if (!isFull) return { ...ids, topicPartitions }
    return {
      ...ids,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      subscribedTopicNames: [...topics],
      topicPartitions: this.#epoch === JOIN_EPOCH ? [] : topicPartitions,
    }
  }

  #ownedByTopic() {
    const byTopic = new Map<string, number[]>()
    for (const { topicId, index } of this.#owned)
      byTopic.set(topicId, [...(byTopic.get(topicId) ?? []), index])
    return [...byTopic].map(([topicId, partitions]) => ({ topicId, partitions }))
  }

  #assigned(
    assignment: readonly { readonly topicId: string; readonly partitions: readonly number[] }[],
  ): void {
    const { partitions } = this.#scene
    const given = new Set(
      partitions.filter(({ topicId, index }) =>
        assignment.some((topic) => topic.topicId === topicId && topic.partitions.includes(index)),
      ),
    )
    for (const partition of [...this.#owned]) if (!given.has(partition)) this.#release(partition)
    const holder = `${this.name}.${this.#lives}`
    for (const partition of given) {
      this.#owned.add(partition)
      this.#scene.ownership.taken(
        partition.history.name,
        holder,
        () => this.#heardFromMs + SESSION_TIMEOUT_MS,
      )
    }
    this.#scene.count('consumer assignments')
    const names = [...given].map(({ history }) => history.name)
    this.#scene.world.note(this.name, `is assigned ${names.join(' ')}`)
  }

  #release(partition: SimulatedPartition): void {
    this.#owned.delete(partition)
    this.#scene.ownership.released(partition.history.name, `${this.name}.${this.#lives}`)
  }

  #letGo(): void {
    for (const partition of [...this.#owned]) this.#release(partition)
  }

  #rejoin(): void {
    this.#letGo()
    this.#epoch = JOIN_EPOCH
    this.#isFull = true
  }

  async #commit(): Promise<void> {
    if (this.#owned.size === 0) return
    try {
      const partition = this.#link.random.pick([...this.#owned])
      const { group } = this.#options
      const committing = { group, memberId: this.#memberId, generation: this.#epoch }
      await commitOnce(this.#scene, this.#link, partition, committing, [9])
    } catch (error) {
      if (!(error instanceof LinkBroken)) throw error
    }
  }

  async #leave(): Promise<void> {
    this.#letGo()
    if (this.#epoch === JOIN_EPOCH) return
    try {
      const ids = { groupId: this.#options.group, memberId: this.#memberId, memberEpoch: LEAVE_EPOCH }
      await this.#link.ask(consumerGroupHeartbeatRequest, consumerGroupHeartbeatResponse, 1, ids)
    } catch (error) {
      if (!(error instanceof LinkBroken)) throw error
    }
  }
}
