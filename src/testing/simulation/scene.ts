import type { Message } from '../../wire/schema.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from '../../wire/schemas/10-find-coordinator.ts'
import { createTopicsRequest, createTopicsResponse } from '../../wire/schemas/19-create-topics.ts'
import { newTopic } from '../new-topic.ts'
import { Link, LinkBroken } from './link.ts'
import type { Machine } from './machine.ts'
import { OffsetRegisters } from './offset-registers.ts'
import { Ownership } from './ownership.ts'
import { type Kept, PartitionHistory } from './partition-history.ts'
import { TransactionsHistory } from './transactions-history.ts'
import type { World } from './world.ts'

/** Of the keys of FindCoordinator. */
const GROUP = 0
const TRANSACTION = 1

export interface SimulatedPartition {
  readonly topic: string
  readonly topicId: string
  readonly index: number
  readonly isCompacted: boolean
  readonly history: PartitionHistory
}

/** What takes part in a run until it is told to end. */
export interface Actor {
  readonly name: string
  run(): Promise<void>
}

/** What all that takes part in a run has in common. */
export class Scene {
  readonly world: World
  readonly machine: Machine
  /** A power cut may take what was acknowledged: nothing is flushed. */
  readonly isLossy: boolean
  readonly partitions: SimulatedPartition[] = []
  readonly transactions: TransactionsHistory
  readonly offsets: OffsetRegisters
  readonly ownership: Ownership
  /** Those who take part come to an end of what they do. */
  isEnding = false
  /** So often a power cut took what was not on the device. */
  losses = 0
  /** What happened how often, to see that runs reach what they are there for. */
  readonly counts = new Map<string, number>()
  #gate: Promise<void> | undefined

  constructor(world: World, machine: Machine, isLossy: boolean) {
    this.world = world
    this.machine = machine
    this.isLossy = isLossy
    this.transactions = new TransactionsHistory(world)
    this.offsets = new OffsetRegisters(world)
    this.ownership = new Ownership(world)
  }

  count(what: string, times = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times)
  }

  link(name: string): Link {
    return new Link(this.world, this.machine, name, () => this.#gate === undefined)
  }

  /** One that a closed gate does not hold up. */
  auditorsLink(): Link {
    return new Link(this.world, this.machine, 'auditor', () => true)
  }

  /** Clients wait while it is closed. */
  closeGate(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    return () => {
      this.#gate = undefined
      resolve()
    }
  }

  async passGate(): Promise<void> {
    while (this.#gate !== undefined) await this.#gate
  }

  /** Asks until there is an answer. */
  async insist<Input, Value>(
    link: Link,
    request: Message<unknown, Input>,
    response: Message<Value, unknown>,
    version: number,
    input: NoInfer<Input>,
  ): Promise<Value> {
    for (;;) {
      try {
        return await link.ask(request, response, version, input)
      } catch (error) {
        if (!(error instanceof LinkBroken)) throw error
        await this.world.sleep(20 + 80 * link.random.float())
      }
    }
  }

  /** Makes a topic, before anything can fail. */
  async createTopic(
    name: string,
    numPartitions: number,
    configs: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const link = this.link('setup')
    link.isPatient = true
    const { topics } = await this.insist(link, createTopicsRequest, createTopicsResponse, 7, {
      topics: [newTopic(name, numPartitions, configs)],
      timeoutMs: 5000,
    })
    await link.close()
    const { errorCode, topicId } = topics[0]!
    this.world.check(errorCode === 0, () => `${name} is not made: ${errorCode}`)
    const promise = promiseOf(configs)
    for (let index = 0; index < numPartitions; index++) {
      this.partitions.push({
        topic: name,
        topicId,
        index,
        isCompacted: promise.isCompacted,
        history: new PartitionHistory(this.world, `${name}-${index}`, promise),
      })
    }
  }

  /** Has the internal topics made, as the first client of each kind does. */
  async findCoordinators(): Promise<void> {
    const link = this.link('setup')
    for (const keyType of [GROUP, TRANSACTION]) {
      for (;;) {
        const input = { keyType, coordinatorKeys: ['any'] }
        const { coordinators } = await this.insist(
          link,
          findCoordinatorRequest,
          findCoordinatorResponse,
          4,
          input,
        )
        if (coordinators[0]!.errorCode === 0) break
        await this.world.sleep(10)
      }
    }
    await link.close()
  }

  /** Of a topic. */
  partitionsOf(topic: string): SimulatedPartition[] {
    return this.partitions.filter((partition) => partition.topic === topic)
  }
}

/** What a topic of these configs promises to keep. */
function promiseOf(configs: Readonly<Record<string, string>>): Kept & { readonly isCompacted: boolean } {
  const retentionBytes = configs['retention.bytes']
  const retentionMs = configs['retention.ms']
  return {
    isCompacted: configs['cleanup.policy'] === 'compact',
    ...(retentionBytes !== undefined && { retentionBytes: Number(retentionBytes) }),
    ...(retentionMs !== undefined && { retentionMs: Number(retentionMs) }),
  }
}
