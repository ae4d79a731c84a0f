import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '../../src/testing/seeded-random.ts'
import { ErrorCode, errorName, isRetriable } from '../../src/wire/error-codes.ts'
import { offsetFetchRequest, offsetFetchResponse } from '../../src/wire/schemas/09-offset-fetch.ts'
import { COPIES, type CopyingTransaction, copyValue } from './check.ts'
import { type Address, Connection } from './connection.ts'
import { type Protocol, Refused, type ToPartition, TransactionalProducer } from './producer.ts'

export const SOURCE = 'source'
export const GROUP = 'copiers'
export const TARGETS = Array.from({ length: COPIES }, (_, copy) => `target-${copy}`)
export const TARGET_PARTITIONS = 3
/** Some transactions take longer, and are aborted by the coordinator. */
const TIMEOUT_MS = 1500
const LONGEST_TRANSACTION = 12
const OFFSET_FETCH_VERSION = 8

/** The copier is to begin anew, as one that was killed. */
class Crashed extends Error {}

export interface CopierOptions {
  readonly address: Address
  readonly name: string
  readonly protocol: Protocol
  /** Of the source topic; nobody else copies them. */
  readonly sources: readonly number[]
  readonly random: SeededRandom
}

/**
 * Copies offsets of its source partitions to the target topics, a few in each transaction, and the group's offset with
 * them. It commits, aborts, crashes, dawdles and meets its own successor at random, and writes down what it was told.
 */
export class Copier {
  readonly #options: CopierOptions
  readonly #connection: Connection
  readonly #positions = new Map<number, number>()
  readonly #running: Promise<void>
  #stopping = false
  #count = 0
  readonly transactions = new Map<string, CopyingTransaction>()
  /** What must not happen to a client. */
  readonly faults: string[] = []
  /** How often a refusal ended a producer, by its text. */
  readonly refusals = new Map<string, number>()

  constructor(options: CopierOptions) {
    this.#options = options
    this.#connection = new Connection(options.address, options.name)
    this.#running = this.#run()
  }

  count(outcome: CopyingTransaction['outcome']): number {
    return [...this.transactions.values()].filter((transaction) => transaction.outcome === outcome).length
  }

  /** Resolves when its last transaction is over; nothing is left open. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopping) await this.#live()
      await this.#producer().init()
    } catch (error) {
      this.faults.push(`${this.#options.name}: ${error instanceof Error ? error.stack : String(error)}`)
    } finally {
      await this.#connection.close()
    }
  }

  /** From its start to its death. */
  async #live(): Promise<void> {
    const producer = this.#producer()
    try {
      await producer.init()
      for (const source of this.#options.sources) this.#positions.set(source, await this.#committed(source))
      while (!this.#stopping) await this.#copy(producer)
    } catch (error) {
      if (error instanceof Refused) {
        this.refusals.set(error.message, (this.refusals.get(error.message) ?? 0) + 1)
      } else if (!(error instanceof Crashed)) throw error
    }
  }

  #producer(): TransactionalProducer {
    const { name, protocol, random } = this.#options
    return new TransactionalProducer({
      connection: this.#connection,
      transactionalId: name,
      timeoutMs: TIMEOUT_MS,
      protocol,
      onBreak: () => {
        if (random.chance(0.3)) throw new Crashed()
      },
    })
  }

  async #copy(producer: TransactionalProducer): Promise<void> {
    const { name, random, sources } = this.#options
    const source = random.pick(sources)
    const from = this.#positions.get(source)!
    const to = from + random.integer(1, LONGEST_TRANSACTION)
    const id = `${name}/${this.#count++}`
    // Until it is asked to commit, it can only be aborted.
    const transaction: CopyingTransaction = { id, source, from, to, outcome: 'aborted' }
    this.transactions.set(id, transaction)
    const middle = random.integer(from, to)
    if (middle > from) await producer.send(this.#batches(transaction, from, middle))
    if (random.chance(0.01)) await delay(TIMEOUT_MS * 2)
    if (random.chance(0.02)) await this.#meetSuccessor(producer, transaction)
    if (random.chance(0.02)) throw new Crashed()
    if (middle < to) await producer.send(this.#batches(transaction, middle, to))
    await producer.sendOffset(GROUP, SOURCE, source, to)
    if (random.chance(0.3)) await delay(random.integer(0, 20))
    if (random.chance(0.25)) {
      await producer.end(false)
      return
    }
    await this.#commit(producer, transaction)
    this.#positions.set(source, to)
  }

  async #commit(producer: TransactionalProducer, transaction: CopyingTransaction): Promise<void> {
    transaction.outcome = 'unknown'
    try {
      await producer.end(true)
      transaction.outcome = 'committed'
    } catch (error) {
      // Refused at the first time; after a repetition the refusal may be that of what was done before.
      if (error instanceof Refused && producer.endsSent === 1) transaction.outcome = 'aborted'
      throw error
    }
  }

  /** Another producer with the same id begins: this one must be able to do nothing any more. */
  async #meetSuccessor(zombie: TransactionalProducer, transaction: CopyingTransaction): Promise<void> {
    await this.#producer().init()
    const { name } = this.#options
    const { source, to } = transaction
    const late = { id: `${name}/${this.#count++}`, source, from: to, to: to + 1, outcome: 'aborted' as const }
    this.transactions.set(late.id, late)
    const acts: readonly (readonly [string, () => Promise<void>])[] = [
      ['produced', () => zombie.send(this.#batches(late, late.from, late.to))],
      ['sent offsets', () => zombie.sendOffset(GROUP, SOURCE, source, to + 1)],
      ['committed', () => this.#commit(zombie, transaction)],
    ]
    for (const [what, act] of acts) {
      try {
        await act()
        this.faults.push(`${name} ${what} although it was fenced, in ${transaction.id}`)
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        this.refusals.set(
          `zombie: ${error.message}`,
          (this.refusals.get(`zombie: ${error.message}`) ?? 0) + 1,
        )
      }
    }
    throw new Crashed()
  }

  #batches(transaction: CopyingTransaction, from: number, to: number): ToPartition[] {
    return TARGETS.flatMap((topic, copy) => {
      const byPartition = new Map<number, string[]>()
      for (let offset = from; offset < to; offset++) {
        const partition = this.#options.random.integer(0, TARGET_PARTITIONS - 1)
        const values = byPartition.get(partition) ?? []
        values.push(copyValue(transaction, transaction.source, offset, copy))
        byPartition.set(partition, values)
      }
      return [...byPartition].map(([partition, values]) => ({ topic, partition, values }))
    })
  }

  #committed(source: number): Promise<number> {
    return committedOffset(this.#connection, source)
  }
}

/** The group's offset of a source partition, once no transaction is about to change it; 0 where there is none. */
export async function committedOffset(connection: Connection, source: number): Promise<number> {
  for (;;) {
    const { groups } = await connection.use((client) =>
      client.send(offsetFetchRequest, offsetFetchResponse, OFFSET_FETCH_VERSION, {
        groups: [{ groupId: GROUP, topics: [{ name: SOURCE, partitionIndexes: [source] }] }],
        requireStable: true,
      }),
    )
    const { errorCode, topics } = groups[0]!
    const partition = topics[0]?.partitions[0]
    const code = errorCode !== ErrorCode.NONE ? errorCode : (partition?.errorCode ?? ErrorCode.NONE)
    if (code === ErrorCode.NONE) return Math.max(0, Number(partition?.committedOffset ?? 0))
    if (!isRetriable(code)) throw new Error(`OffsetFetch: ${errorName(code)}`)
    await delay(10)
  }
}
