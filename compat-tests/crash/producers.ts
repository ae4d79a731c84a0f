import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '../../src/testing/seeded-random.ts'
import type { TestClient } from '../../src/testing/test-client.ts'
import { ErrorCode, errorName, isRetriable } from '../../src/wire/error-codes.ts'
import { encodeBatch, type RecordInput } from '../../src/wire/records.ts'
import { produceRequest, produceResponse } from '../../src/wire/schemas/00-produce.ts'
import { type Address, Load, TryAgain } from '../support/load.ts'
import { contentOf, type KeyedWrite, type Outcome, type SentBatch } from './history.ts'

const PRODUCE_VERSION = 9
const LARGEST_BATCH = 12
const TOMBSTONE_CHANCE = 0.1

export interface ProducerOptions {
  readonly address: Address
  readonly name: string
  readonly topic: string
  readonly acks: 0 | 1 | -1
  /** Between two batches. */
  readonly pauseMs: number
  readonly random: SeededRandom
}

async function send(
  client: TestClient,
  { topic, acks, name }: ProducerOptions,
  timestampMs: number,
  records: readonly RecordInput[],
  told: (outcome: Outcome) => void,
): Promise<void> {
  const batch = encodeBatch({ baseTimestamp: timestampMs, records })
  const input = {
    acks,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records: [batch] }] }],
  }
  if (acks === 0) {
    client.sendOneWay(produceRequest, PRODUCE_VERSION, input)
    return
  }
  const { responses } = await client.send(produceRequest, produceResponse, PRODUCE_VERSION, input)
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
  if (errorCode === ErrorCode.NONE) {
    told({ baseOffset })
    return
  }
  told('refused')
  if (!isRetriable(errorCode)) throw new Error(`${name}: ${errorName(errorCode)}`)
  throw new TryAgain(errorName(errorCode))
}

/** Sends each of its records once, to one partition, and writes down what it was told. */
export class Producer extends Load {
  readonly #options: ProducerOptions
  #sequence = 0
  readonly sent: SentBatch[] = []

  constructor(options: ProducerOptions) {
    super(options.address)
    this.#options = options
  }

  get acknowledged(): number {
    return this.sent.reduce((sum, { outcome, count }) => sum + (typeof outcome === 'string' ? 0 : count), 0)
  }

  protected async work(client: TestClient): Promise<void> {
    const { name, random, pauseMs } = this.#options
    while (!this.stopping) {
      const first = this.#sequence
      const count = random.integer(1, LARGEST_BATCH)
      this.#sequence += count
      const batch: SentBatch = { producer: name, first, count, timestampMs: Date.now(), outcome: 'unknown' }
      this.sent.push(batch)
      const records = Array.from({ length: count }, (_, index) => ({
        value: Buffer.from(contentOf(name, first + index)),
      }))
      await send(client, this.#options, batch.timestampMs, records, (outcome) => {
        batch.outcome = outcome
      })
      await delay(pauseMs)
      // What has no answer would go on for ever on a connection that has ended.
      if (client.socket.destroyed) throw new TryAgain('the connection has ended')
    }
  }
}

/** Writes some keys again and again, now and then a tombstone. */
export class KeyedProducer extends Load {
  readonly #options: ProducerOptions
  readonly #keys: number
  #count = 0
  readonly writes = new Map<string, KeyedWrite[]>()

  constructor(options: ProducerOptions & { readonly keys: number }) {
    super(options.address)
    this.#options = options
    this.#keys = options.keys
  }

  get acknowledged(): number {
    return [...this.writes.values()].flat().filter(({ outcome }) => typeof outcome !== 'string').length
  }

  protected async work(client: TestClient): Promise<void> {
    const { name, random, pauseMs } = this.#options
    while (!this.stopping) {
      const key = `key-${random.integer(0, this.#keys - 1)}`
      const value = random.chance(TOMBSTONE_CHANCE) ? undefined : contentOf(name, this.#count++)
      const write: KeyedWrite = { value, outcome: 'unknown' }
      const ofKey = this.writes.get(key)
      if (ofKey === undefined) this.writes.set(key, [write])
      else ofKey.push(write)
      const record = { key: Buffer.from(key), value: value === undefined ? null : Buffer.from(value) }
      await send(client, this.#options, Date.now(), [record], (outcome) => {
        write.outcome = outcome
      })
      await delay(pauseMs)
    }
  }
}
