import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { TestClient } from '../../src/testing/test-client.ts'
import { ErrorCode, errorName } from '../../src/wire/error-codes.ts'
import { createTopicsRequest, createTopicsResponse } from '../../src/wire/schemas/19-create-topics.ts'
import { TransactionLoad } from '../exactly-once/transaction-load.ts'
import { BrokerProcess } from '../support/broker-process.ts'
import { eventually } from '../support/eventually.ts'
import { LoadCheck } from '../support/load-check.ts'
import { type ReadLog, readLog } from '../support/read-partition.ts'
import { Consumer } from './consumer.ts'
import { type Bounds, inspect, inspectKeys } from './history.ts'
import { inspectLogFiles } from './log-files.ts'
import { KeyedProducer, Producer } from './producers.ts'

/** Topics of one partition, each with producers of one acks level. Segments are short, so that kills meet their rolls. */
const PLAIN_TOPICS: readonly {
  readonly name: string
  readonly acks: 0 | 1 | -1
  readonly configs?: Readonly<Record<string, string>>
  readonly bounds?: Bounds
  readonly pauseMs?: number
}[] = [
  { name: 'acks-none', acks: 0 },
  { name: 'acks-leader', acks: 1 },
  { name: 'acks-all', acks: -1 },
  // Everyone waits for the syncs of this one.
  { name: 'flushed', acks: -1, configs: { 'flush.messages': '1' }, pauseMs: 100 },
  {
    name: 'kept-by-bytes',
    acks: 1,
    configs: { 'retention.bytes': '200000', 'segment.ms': '100' },
    bounds: { retentionBytes: 200_000 },
  },
  {
    name: 'kept-by-time',
    acks: 1,
    configs: { 'retention.ms': '2500', 'segment.ms': '200' },
    bounds: { retentionMs: 2500 },
  },
]
const COMPACTED = 'compacted'
const COMPACTED_CONFIGS = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0.01',
  'segment.ms': '50',
  'delete.retention.ms': '1000',
}
const KEYS = 50
const PRODUCERS_EACH = 2
const COPIERS = 2
const PAUSE_MS = 8
const LONGEST_LIFE_MS = 1500
/** So much of what was looked at after an earlier kill is looked at again; all of it in the end. */
const LOOKED_AT_AGAIN = 1000

const config = {
  'offsets.topic.num.partitions': 2,
  'transaction.state.log.num.partitions': 2,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 300,
  'log.roll.ms': 400,
  'log.retention.check.interval.ms': 100,
  'log.segment.delete.delay.ms': 100,
  'log.flush.interval.ms': 1000,
  'log.flush.scheduler.interval.ms': 500,
  'log.flush.offset.checkpoint.interval.ms': 500,
  'log.cleaner.backoff.ms': 250,
}

export interface KillsOptions {
  readonly dir: string
  readonly seed: number
  readonly seconds: number
  readonly print: (line: string) => void
  /** Of each promise that was looked at: what is wrong, a line each; nothing where it is kept. */
  readonly checked: (what: string, wrong: readonly string[]) => void
}

/** Everything that writes, at work on a broker that is killed again and again; after each start its promises are looked at. */
export class Kills {
  readonly #options: KillsOptions
  readonly #random: SeededRandom
  #broker: BrokerProcess | undefined
  readonly #address = () => this.#broker && { host: '127.0.0.1', port: this.#broker.port }
  readonly #plain: readonly {
    readonly topic: (typeof PLAIN_TOPICS)[number]
    readonly producers: Producer[]
  }[]
  readonly #keyed: KeyedProducer
  readonly #consumer = new Consumer(this.#address, 'readers', 'acks-all')
  readonly #idempotent = new LoadCheck(this.#address, PAUSE_MS)
  readonly #transactions: TransactionLoad
  /** By topic, up to where it was looked at. */
  readonly #lookedAt = new Map<string, number>()
  #kills = 0

  constructor(options: KillsOptions) {
    const { seed } = options
    this.#options = options
    this.#random = new SeededRandom(seed)
    const common = { address: this.#address, pauseMs: PAUSE_MS }
    this.#plain = PLAIN_TOPICS.map((topic) => ({
      topic,
      producers: Array.from({ length: PRODUCERS_EACH }, (_, index) => {
        const name = `${topic.name}/${index}`
        return new Producer({ ...common, ...topic, topic: topic.name, name, random: this.#random.fork() })
      }),
    }))
    this.#keyed = new KeyedProducer({
      ...common,
      name: 'keyed',
      topic: COMPACTED,
      acks: -1,
      keys: KEYS,
      random: this.#random.fork(),
    })
    this.#transactions = new TransactionLoad({ address: this.#address, seed, copiers: COPIERS })
  }

  async run(): Promise<void> {
    const { seconds, print, checked } = this.#options
    this.#broker = await this.#startBroker()
    await this.#createTopics()
    await this.#idempotent.start()
    await this.#transactions.start()
    for (const load of this.#loads) load.start()
    for (const end = Date.now() + seconds * 1000; Date.now() < end && this.#faults.length === 0; ) {
      const before = this.#progress
      await eventually(
        () => `every producer and consumer goes on: ${before} ${this.#progress}`,
        () => this.#faults.length > 0 || this.#progress.every((count, index) => count > before[index]!),
        60_000,
      )
      await delay(this.#random.integer(0, LONGEST_LIFE_MS))
      await this.#killAndStart()
      await this.#lookAt('recent')
      print(`${this.#kills} kills, ${this.#progress.reduce((sum, count) => sum + count)} acknowledged`)
    }
    await Promise.all(this.#loads.map((load) => load.stop()))
    await this.#idempotent.stop()
    await this.#transactions.stop()
    await this.#lookAt('all')
    checked('idempotent producers and their group', await this.#idempotent.inspect())
    checked('transactions', await this.#transactions.inspect())
    await this.#waitForRemovals()
    const { code } = await this.#broker.stop()
    checked('a clean stop', code === 0 ? [] : [`exit code ${code}`])
    checked(
      'files after a clean stop',
      this.#directories.flatMap((each) => [...inspectLogFiles(each, 'clean')]),
    )
    print(this.#transactions.summary)
  }

  /** After `run`, however it ended. */
  async close(): Promise<void> {
    await this.#broker?.kill()
  }

  get #loads() {
    return [...this.#plain.flatMap(({ producers }) => producers), this.#keyed, this.#consumer]
  }

  get #faults(): string[] {
    return [...this.#loads, this.#idempotent, this.#transactions].flatMap(({ faults }) => faults)
  }

  /** What each has achieved. */
  get #progress(): number[] {
    return [
      ...this.#plain.map(({ topic, producers }) =>
        producers.reduce((sum, each) => sum + (topic.acks === 0 ? each.sent.length : each.acknowledged), 0),
      ),
      this.#keyed.acknowledged,
      this.#consumer.commits,
      this.#idempotent.acknowledged,
      this.#transactions.committed.reduce((sum, count) => sum + count),
    ]
  }

  /** Partitions are spread over them. */
  get #directories(): readonly string[] {
    return ['first', 'second'].map((name) => join(this.#options.dir, name))
  }

  get #process() {
    return { dir: this.#directories.join(), config }
  }

  async #killAndStart(): Promise<void> {
    const { checked } = this.#options
    const killed = this.#broker
    this.#broker = undefined
    await killed?.kill()
    this.#kills++
    checked('no error before the kill', errorsOf(killed))
    checked(
      'files after a kill',
      this.#directories.flatMap((each) => [...inspectLogFiles(each, 'killed')]),
    )
    if (this.#random.chance(0.25)) {
      // Also while it recovers.
      const starting = BrokerProcess.spawn(this.#process)
      await delay(this.#random.integer(50, 600))
      await starting.kill()
      this.#kills++
    }
    this.#broker = await this.#startBroker()
  }

  #startBroker(): Promise<BrokerProcess> {
    return BrokerProcess.start(this.#process)
  }

  async #lookAt(how: 'recent' | 'all'): Promise<void> {
    const { checked } = this.#options
    const plain = this.#plain.map(async ({ topic, producers }) => {
      const from = how === 'all' ? 0 : Math.max(0, (this.#lookedAt.get(topic.name) ?? 0) - LOOKED_AT_AGAIN)
      const sent = () => producers.flatMap((producer) => producer.sent)
      const acknowledged = sent().filter(({ outcome }) => typeof outcome !== 'string')
      const wrong = await this.#withLog(topic.name, from, (log) => {
        this.#lookedAt.set(topic.name, log.highWatermark)
        return inspect(log, sent(), acknowledged, from, topic.bounds)
      })
      checked(topic.name, wrong)
    })
    const acknowledged = new Set(
      [...this.#keyed.writes.values()].flat().filter(({ outcome }) => typeof outcome !== 'string'),
    )
    const keyed = this.#withLog(COMPACTED, 0, (log) => inspectKeys(log, this.#keyed.writes, acknowledged))
    await Promise.all(plain)
    checked(COMPACTED, await keyed)
    checked('what clients were told', this.#faults)
  }

  /** What is wrong with the log of partition 0, that it can't be read included. */
  async #withLog(topic: string, from: number, look: (log: ReadLog) => Iterable<string>): Promise<string[]> {
    const client = await this.#connect()
    try {
      return [...look(await readLog(client, topic, 0, from))]
    } catch (error) {
      return [String(error)]
    } finally {
      await client.close()
    }
  }

  #connect(): Promise<TestClient> {
    const { host, port } = this.#address()!
    return TestClient.connect(host, port, 'checker')
  }

  /** Retention and compaction were at work, or get to it now. */
  async #waitForRemovals(): Promise<void> {
    const { checked } = this.#options
    const client = await this.#connect()
    const atWork = async (topic: string) => {
      const { logStartOffset, highWatermark, batches } = await readLog(client, topic, 0)
      const records = batches.reduce((sum, batch) => sum + batch.records.length, 0)
      return topic === COMPACTED ? records < highWatermark : logStartOffset > 0
    }
    for (const topic of [COMPACTED, 'kept-by-bytes', 'kept-by-time']) {
      const wrong = await eventually(topic, () => atWork(topic), 30_000).then(
        () => [],
        (error: unknown) => [`nothing was removed: ${error}`],
      )
      checked(`removals from ${topic}`, wrong)
    }
    await client.close()
  }

  async #createTopics(): Promise<void> {
    const client = await this.#connect()
    const all = [...PLAIN_TOPICS, { name: COMPACTED, configs: COMPACTED_CONFIGS }]
    const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, {
      topics: all.map(({ name, configs = {} }) => ({
        name,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      })),
      timeoutMs: 10_000,
    })
    for (const { name, errorCode, errorMessage } of topics)
      if (errorCode !== ErrorCode.NONE) throw new Error(`${name}: ${errorName(errorCode)} ${errorMessage}`)
    await client.close()
  }
}

function errorsOf(broker: BrokerProcess | undefined): string[] {
  return (broker?.log ?? []).filter(({ level }) => level === 'error').map((line) => JSON.stringify(line))
}
