import { newTopic } from '../../../src/testing/new-topic.ts'
import { SeededRandom } from '../../../src/testing/seeded-random.ts'
import { TestClient } from '../../../src/testing/test-client.ts'
import { createTopicsRequest, createTopicsResponse } from '../../../src/wire/schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from '../../../src/wire/schemas/20-delete-topics.ts'
import { inspectKeys } from '../../crash/history.ts'
import { KeyedProducer } from '../../crash/producers.ts'
import { eventually } from '../../support/eventually.ts'
import { expectNone } from '../../support/expect-none.ts'
import { kafkajsClient } from '../../support/kafkajs-client.ts'
import { platformaticClient } from '../../support/platformatic-client.ts'
import { earliestOffset, readLog } from '../../support/read-partition.ts'
import type { Activity } from '../activity.ts'
import { Ledger } from '../ledger.ts'
import type { Place } from '../place.ts'
import { Follower } from './follower.ts'
import { consumerMember, libraryGroups } from './groups.ts'
import { administrator, connections, libraryProducer, oldDataReader, topics } from './passing.ts'
import { flowProducer } from './producer.ts'
import { transactions } from './transactions.ts'

const KEPT_BY_TIME = 'kept-by-time'
/** Each has one partition, producers that differ in how they send, and a reader that follows. */
const FLOWS = [
  {
    topic: 'kept-by-bytes',
    configs: { 'retention.bytes': '4194304' },
    acks: 1,
    compressions: ['none', 'none'],
  },
  {
    topic: KEPT_BY_TIME,
    configs: { 'retention.ms': '15000', 'segment.ms': '2000' },
    acks: -1,
    compressions: ['lz4', 'gzip'],
  },
  { topic: 'unasked', configs: { 'retention.bytes': '2097152' }, acks: 0, compressions: ['none'] },
  {
    topic: 'idempotent',
    configs: { 'retention.ms': '20000', 'segment.ms': '4000' },
    acks: -1,
    compressions: ['none', 'zstd', 'snappy'],
    isIdempotent: true,
  },
] as const
const TRANSACTIONAL = 'transactional'
const COMPACTED = 'compacted'
const SHARED = 'shared'
const OTHER_TOPICS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [TRANSACTIONAL]: { 'retention.ms': '20000', 'segment.ms': '2000' },
  [COMPACTED]: {
    'cleanup.policy': 'compact',
    'min.cleanable.dirty.ratio': '0.1',
    'segment.ms': '1000',
    'delete.retention.ms': '1000',
  },
  [SHARED]: { 'retention.ms': '30000', 'segment.ms': '5000' },
}
const SHARED_PARTITIONS = 4
const KEYS = 100
const FLOW_REST_MS = 50
const WITHIN_MS = 60_000
const TIMEOUT_MS = 10_000

/** Everything at once, at a rate that leaves most of the broker's time free. */
export class MixedLoad {
  readonly #place: Place
  readonly #random: SeededRandom
  readonly #ledgers = new Map<string, Ledger>()
  readonly #writers: Activity[] = []
  readonly #followers: Follower[] = []
  readonly #others: Activity[] = []
  readonly #keyed: KeyedProducer

  constructor(place: Place, seed: number) {
    this.#place = place
    this.#random = new SeededRandom(seed)
    this.#keyed = new KeyedProducer({
      address: () => place,
      name: 'keyed',
      topic: COMPACTED,
      acks: -1,
      pauseMs: FLOW_REST_MS,
      random: this.#random.fork(),
      keys: KEYS,
    })
  }

  async start(): Promise<void> {
    await this.#createTopics()
    for (const flow of FLOWS) await this.#addFlow(flow)
    await this.#addTransactions()
    await this.#addOthers()
    for (const { activity } of this.#followers) activity.start()
    for (const activity of [...this.#writers, ...this.#others]) activity.start()
    this.#keyed.start()
  }

  get faults(): string[] {
    return [...this.#activities.flatMap(({ faults }) => faults), ...this.#keyed.faults]
  }

  /** By name, how often each thing was done. */
  get steps(): Map<string, number> {
    const steps = this.#activities.map(({ name, steps }) => [name, steps] as const)
    return new Map([...steps, ['keyed producer', this.#keyed.acknowledged]])
  }

  /** Records that were acknowledged and read. */
  get matched(): number {
    return [...this.#ledgers.values()].reduce((sum, { matched }) => sum + matched, 0)
  }

  /** Records that retention took before they were read. */
  get removed(): number {
    return [...this.#ledgers.values()].reduce((sum, { removed }) => sum + removed, 0)
  }

  /** Ends everything, reads to the ends, and says what is wrong; by what was looked at. */
  async stop(): Promise<Map<string, readonly string[]>> {
    const wrong = new Map<string, readonly string[]>()
    if (this.faults.length === 0)
      wrong.set('retention and compaction are at work', await this.#untilRemoved())
    // Members of groups wait for something to read, so those who write go last.
    await Promise.all(this.#others.map((activity) => activity.stop()))
    await Promise.all([...this.#writers, this.#keyed].map((activity) => activity.stop()))
    wrong.set('the end of every log is read', await this.#readToEnds())
    await Promise.all(this.#followers.map(({ activity }) => activity.stop()))
    wrong.set('what clients were told', this.faults)
    for (const [topic, ledger] of this.#ledgers) wrong.set(topic, ledger.inspect())
    wrong.set(COMPACTED, await this.#inspectKeys())
    const idle = [...this.steps].filter(([, steps]) => steps === 0)
    wrong.set(
      'everything was at work',
      idle.map(([name]) => `${name} did nothing`),
    )
    return wrong
  }

  /** Takes its topics and groups away. */
  async cleanUp(): Promise<void> {
    const admin = await kafkajsClient.admin(`${this.#place.host}:${this.#place.port}`)
    try {
      // Refused until the members that died are missed, or when it was forgotten meanwhile.
      const deleteAll = async () => {
        for (const group of await admin.groups()) await admin.deleteGroup(group).catch(() => {})
        return (await admin.groups()).length === 0
      }
      await eventually('every group can be deleted', deleteAll, WITHIN_MS)
    } finally {
      await admin.close()
    }
    await this.#withClient(async (client) => {
      const topicNames = [...FLOWS.map(({ topic }) => topic), ...Object.keys(OTHER_TOPICS)]
      const { responses } = await client.send(deleteTopicsRequest, deleteTopicsResponse, 5, {
        topicNames,
        timeoutMs: TIMEOUT_MS,
      })
      for (const { name, errorCode } of responses) expectNone(`DeleteTopics ${name}`, errorCode)
    })
  }

  get #activities(): Activity[] {
    return [...this.#writers, ...this.#followers.map(({ activity }) => activity), ...this.#others]
  }

  async #addFlow({ topic, acks, compressions, ...flow }: (typeof FLOWS)[number]): Promise<void> {
    const ledger = acks === 0 ? undefined : this.#ledgerOf(topic)
    for (const [index, compression] of compressions.entries())
      this.#writers.push(
        await flowProducer({
          place: this.#place,
          name: `${topic}/${index}`,
          topic,
          acks,
          compression,
          isIdempotent: 'isIdempotent' in flow,
          restMs: FLOW_REST_MS,
          ledger,
        }),
      )
    this.#followers.push(await Follower.connect(this.#place, topic, 'uncommitted', ledger))
  }

  async #addTransactions(): Promise<void> {
    const ledger = this.#ledgerOf(TRANSACTIONAL)
    for (const protocol of ['classic', 'bumping'] as const)
      this.#writers.push(
        transactions({
          place: this.#place,
          name: `tx-${protocol}`,
          topic: TRANSACTIONAL,
          protocol,
          random: this.#random.fork(),
          restMs: 2 * FLOW_REST_MS,
          ledger,
        }),
      )
    this.#followers.push(await Follower.connect(this.#place, TRANSACTIONAL, 'committed', ledger))
    this.#followers.push(await Follower.connect(this.#place, TRANSACTIONAL, 'uncommitted'))
  }

  async #addOthers(): Promise<void> {
    const place = this.#place
    const plain = { acks: 1, isIdempotent: false } as const
    const idempotent = { acks: -1, isIdempotent: true } as const
    this.#writers.push(
      await libraryProducer(kafkajsClient, place, SHARED, { ...plain, compression: 'gzip' }, 200),
      await libraryProducer(kafkajsClient, place, SHARED, { ...idempotent, compression: 'none' }, 200),
      await libraryProducer(platformaticClient, place, SHARED, { ...plain, compression: 'lz4' }, 200),
    )
    this.#others.push(
      libraryGroups(kafkajsClient, place, SHARED, this.#random.fork(), 2000),
      libraryGroups(platformaticClient, place, SHARED, this.#random.fork(), 2000),
      ...[0, 1, 2].map((index) =>
        consumerMember(`member-${index}`, place, SHARED, this.#random.fork(), 300 + 100 * index),
      ),
      connections(place, 'kept-by-bytes', this.#random.fork(), 300),
      topics(place, 2000, 1000),
      administrator(kafkajsClient, place, SHARED, 3000),
      administrator(platformaticClient, place, SHARED, 3000),
      oldDataReader(place, ['kept-by-bytes', 'unasked', COMPACTED], 3000),
    )
  }

  #ledgerOf(topic: string): Ledger {
    const ledger = new Ledger()
    this.#ledgers.set(topic, ledger)
    return ledger
  }

  #untilRemoved(): Promise<string[]> {
    return this.#withClient(async (client) => {
      const isRemoved = async () => {
        const acknowledged = this.#keyed.acknowledged
        const { batches } = await readLog(client, COMPACTED, 0)
        const left = batches.reduce((sum, { records }) => sum + records.length, 0)
        return left < acknowledged && (await earliestOffset(client, KEPT_BY_TIME, 0)) > 0
      }
      return within(`records are removed from ${COMPACTED} and ${KEPT_BY_TIME}`, isRemoved)
    })
  }

  async #readToEnds(): Promise<string[]> {
    // An answer that began after the last record was written says where the end is.
    const steps = this.#followers.map(({ activity }) => activity.steps)
    const isAtEnd = (follower: Follower, index: number) =>
      follower.activity.steps > steps[index]! + 1 && follower.lag === 0
    const behind = () => this.#followers.filter((follower, index) => !isAtEnd(follower, index))
    const describe = () => behind().map(({ activity, lag }) => `${activity.name}: ${lag} behind`)
    return within(
      () => describe().join(', '),
      () => behind().length === 0 || this.faults.length > 0,
    )
  }

  #inspectKeys(): Promise<string[]> {
    const acknowledged = new Set(
      [...this.#keyed.writes.values()].flat().filter(({ outcome }) => typeof outcome !== 'string'),
    )
    return this.#withClient(async (client) => [
      ...inspectKeys(await readLog(client, COMPACTED, 0), this.#keyed.writes, acknowledged),
    ])
  }

  async #withClient<T>(use: (client: TestClient) => Promise<T>): Promise<T> {
    const client = await TestClient.connect(this.#place.host, this.#place.port, 'mixed-load')
    try {
      return await use(client)
    } finally {
      await client.close()
    }
  }

  #createTopics(): Promise<void> {
    return this.#withClient(async (client) => {
      const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, {
        topics: [
          ...FLOWS.map(({ topic, configs }) => newTopic(topic, 1, configs)),
          ...Object.entries(OTHER_TOPICS).map(([name, configs]) =>
            newTopic(name, name === SHARED ? SHARED_PARTITIONS : 1, configs),
          ),
        ],
        timeoutMs: TIMEOUT_MS,
      })
      for (const { name, errorCode } of topics) expectNone(`CreateTopics ${name}`, errorCode)
    })
  }
}

/** What is wrong: nothing where the condition came true in time. */
async function within(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
): Promise<string[]> {
  try {
    await eventually(what, condition, WITHIN_MS)
    return []
  } catch (error) {
    return [String(error)]
  }
}
