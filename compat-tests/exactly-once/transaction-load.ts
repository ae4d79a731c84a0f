import { setTimeout as delay } from 'node:timers/promises'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { ErrorCode } from '../../src/wire/error-codes.ts'
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from '../../src/wire/schemas/10-find-coordinator.ts'
import { createTopicsRequest, createTopicsResponse } from '../../src/wire/schemas/19-create-topics.ts'
import { expectNone } from '../support/expect-none.ts'
import { type CopyingTransaction, check } from './check.ts'
import { type Address, Connection } from './connection.ts'
import { Copier, committedOffset, GROUP, SOURCE, TARGET_PARTITIONS, TARGETS } from './copier.ts'
import { TargetReader } from './reader.ts'

const SOURCES_EACH = 2
const GROUP_KEY = 0
const TRANSACTION_KEY = 1

export interface TransactionLoadOptions {
  readonly address: Address
  readonly seed: number
  readonly copiers: number
}

/** Transactional copiers and readers of both isolation levels, and what has to hold of all that they were told. */
export class TransactionLoad {
  readonly #options: TransactionLoadOptions
  readonly #readers: readonly TargetReader[]
  #copiers: readonly Copier[] = []

  constructor(options: TransactionLoadOptions) {
    this.#options = options
    this.#readers = (['committed', 'uncommitted'] as const).map(
      (level) => new TargetReader(options.address, level),
    )
  }

  /** Makes the topics and begins. The broker has to be up. */
  async start(): Promise<void> {
    const { address, seed, copiers } = this.#options
    const names = Array.from({ length: copiers }, (_, index) => `copier-${index}`)
    await this.#createTopics()
    await this.#findCoordinators(names)
    for (const reader of this.#readers) reader.start()
    this.#copiers = names.map(
      (name, index) =>
        new Copier({
          address,
          name,
          protocol: index % 2 === 0 ? 'bumping' : 'classic',
          sources: Array.from({ length: SOURCES_EACH }, (_, source) => index * SOURCES_EACH + source),
          random: new SeededRandom(seed + 1 + index),
        }),
    )
  }

  /** Of each copier. */
  get committed(): number[] {
    return this.#copiers.map((copier) => copier.count('committed'))
  }

  get faults(): string[] {
    return [...this.#copiers, ...this.#readers].flatMap((part) => part.faults)
  }

  /** Resolves when nothing is left open. The broker has to be up. */
  async stop(): Promise<void> {
    await Promise.all(this.#copiers.map((copier) => copier.stop()))
    await Promise.all(this.#readers.map((reader) => reader.stop()))
  }

  /** What is wrong, a line each; after `stop`. */
  async inspect(): Promise<string[]> {
    const finals = await Promise.all([this.#readAll('committed'), this.#readAll('uncommitted')])
    return [
      ...this.faults,
      ...finals.flatMap((final) => final.faults),
      ...check({
        transactions: this.#transactions,
        finalCommitted: finals[0].reading,
        finalUncommitted: finals[1].reading,
        liveCommitted: [this.#readers[0]!.reading],
        liveUncommitted: [this.#readers[1]!.reading],
        committedOffsets: await this.#committedOffsets(),
      }),
    ]
  }

  /** How many transactions ended in which way, and how often a refusal ended a producer. */
  get summary(): string {
    const count = (outcome: CopyingTransaction['outcome']) =>
      [...this.#transactions.values()].filter((transaction) => transaction.outcome === outcome).length
    const refusals = new Map<string, number>()
    for (const copier of this.#copiers)
      for (const [text, times] of copier.refusals) refusals.set(text, (refusals.get(text) ?? 0) + times)
    return (
      `transactions: ${count('committed')} committed, ${count('aborted')} aborted, ` +
      `${count('unknown')} unknown; refusals: ${JSON.stringify(Object.fromEntries(refusals))}`
    )
  }

  get #transactions(): Map<string, CopyingTransaction> {
    return new Map(this.#copiers.flatMap((copier) => [...copier.transactions]))
  }

  async #createTopics(): Promise<void> {
    const { address, copiers } = this.#options
    const connection = new Connection(address, 'checker')
    const topic = (name: string, numPartitions: number) => ({
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })
    const { topics } = await connection.use((client) =>
      client.send(createTopicsRequest, createTopicsResponse, 5, {
        topics: [
          topic(SOURCE, copiers * SOURCES_EACH),
          ...TARGETS.map((name) => topic(name, TARGET_PARTITIONS)),
        ],
        timeoutMs: 10_000,
      }),
    )
    for (const { name, errorCode } of topics) expectNone(name!, errorCode)
    await connection.close()
  }

  /** As every client does before its first request to a coordinator: it makes the internal topics. */
  async #findCoordinators(copiers: readonly string[]): Promise<void> {
    const connection = new Connection(this.#options.address, 'checker')
    const find = (keyType: number, coordinatorKeys: readonly string[]) =>
      connection.use((client) =>
        client.send(findCoordinatorRequest, findCoordinatorResponse, 4, {
          keyType,
          coordinatorKeys: [...coordinatorKeys],
        }),
      )
    for (;;) {
      const found = [await find(GROUP_KEY, [GROUP]), await find(TRANSACTION_KEY, copiers)]
      if (
        found.every(({ coordinators }) => coordinators.every(({ errorCode }) => errorCode === ErrorCode.NONE))
      )
        break
      await delay(50)
    }
    await connection.close()
  }

  async #readAll(isolation: 'committed' | 'uncommitted'): Promise<TargetReader> {
    const reader = new TargetReader(this.#options.address, isolation)
    await reader.readToEnd()
    return reader
  }

  async #committedOffsets(): Promise<Map<number, number>> {
    const { address, copiers } = this.#options
    const offsets = new Map<number, number>()
    const connection = new Connection(address, 'checker')
    for (let source = 0; source < copiers * SOURCES_EACH; source++)
      offsets.set(source, await committedOffset(connection, source))
    await connection.close()
    return offsets
  }
}
