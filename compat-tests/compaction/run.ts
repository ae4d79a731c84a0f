/**
 * The same histories of keyed records, written to Apache Kafka and to Sluice and cleaned by both, leave the same batches:
 * offsets, keys, values, timestamps, sequences, codecs, and the same segments.
 * `node compat-tests/compaction/run.ts [COUNT_FILE]`; COMPACTION_SEED repeats a run. Needs Java and Maven.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { encodeBatch } from '../../src/wire/records.ts'
import { makeDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { cleanedTo, segmentsOf, startKafka, startSluice, type TestedBroker } from './brokers.ts'
import { encodePlanned, type HistoryOptions, HistoryPlan } from './history.ts'
import {
  alterTopic,
  batchesOf,
  createTopic,
  earliestOffset,
  newProducerId,
  produce,
  stableOffset,
} from './session.ts'
import { type TransactionalHistoryOptions, TransactionalPlan } from './transactional-history.ts'
import { TransactionalSession } from './transactional-session.ts'

const HOUR_MS = 3_600_000
const WITHIN_MS = 30_000
/** Kafka applies a topic's config a moment after it has answered. */
const CONFIG_SETTLES_MS = 500

const brokerConfig = {
  'log.cleaner.backoff.ms': '100',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
}
/** Nothing is cleaned while the ratio is 1, so that both clean a whole history in one round. */
const topicConfig = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '1',
  'segment.ms': '3000',
  'file.delete.delay.ms': '0',
}

/** Segments end by their size alone: markers bear the time at which each broker wrote them. */
const transactionalTopicConfig = { 'segment.bytes': '1048576', 'segment.ms': '604800000' }

interface Case {
  readonly topic: string
  readonly configs?: Readonly<Record<string, string>>
  readonly history: HistoryOptions
  readonly rounds: number
  /** It begins with records that are old enough for retention. */
  readonly expires?: boolean
}

const usual: HistoryOptions = { keys: 25, producers: 0, batches: 100, tombstones: 0.2, valueBytes: 100 }
const cases: readonly Case[] = [
  { topic: 'compacted-plain', history: usual, rounds: 2 },
  { topic: 'compacted-producers', history: { ...usual, producers: 4 }, rounds: 3 },
  {
    topic: 'compacted-tombstones',
    configs: { 'delete.retention.ms': '0' },
    history: { ...usual, keys: 60, tombstones: 0.5, producers: 2 },
    rounds: 4,
  },
  {
    topic: 'compacted-large',
    configs: { 'segment.bytes': '1048576', 'segment.ms': '600000' },
    history: { ...usual, keys: 40, valueBytes: 60_000 },
    rounds: 2,
  },
  {
    topic: 'compacted-deleted',
    configs: { 'cleanup.policy': 'compact,delete', 'retention.ms': String(HOUR_MS), 'segment.ms': '60000' },
    history: usual,
    rounds: 1,
    expires: true,
  },
]

let passed = 0
let failed = 0
function verdict(what: string, sluice: unknown, kafka: unknown): void {
  const [ours, theirs] = [sluice, kafka].map((side) => (Array.isArray(side) ? side : [side]))
  const at = theirs!.findIndex((line, index) => line !== ours![index])
  const isSame = at < 0 && ours!.length === theirs!.length
  if (isSame) passed++
  else failed++
  process.stdout.write(`${isSame ? 'ok  ' : 'FAIL'} ${what} (${theirs!.length} lines)\n`)
  if (isSame) return
  const from = at < 0 ? theirs!.length : at
  for (const [name, lines] of [
    ['sluice', ours!],
    ['kafka', theirs!],
  ] as const)
    process.stdout.write(`  ${name}: ${lines.slice(from, from + 4).join('\n          ')}\n`)
}

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (const deadline = Date.now() + WITHIN_MS; !(await isSo()); await sleep(50))
    if (Date.now() > deadline) throw new Error(`${what}: not within ${WITHIN_MS} ms`)
}

async function compare(one: Case, brokers: readonly TestedBroker[], seed: number): Promise<void> {
  const { topic, rounds, expires = false } = one
  const nowMs = Date.now()
  const plan = new HistoryPlan(new SeededRandom(seed), one.history, nowMs - 5 * HOUR_MS)
  const producerIds = new Map<TestedBroker, number[]>()
  for (const broker of brokers) {
    await createTopic(broker, topic, { ...topicConfig, ...one.configs })
    const ids: number[] = []
    for (let producer = 0; producer < one.history.producers; producer++) ids.push(await newProducerId(broker))
    producerIds.set(broker, ids)
  }
  for (let round = 1; round <= rounds; round++) {
    const old = expires ? plan.round() : []
    if (expires) plan.timestampMs = nowMs - HOUR_MS / 2
    const batches = [...old, ...plan.round()]
    let activeFrom = 0
    for (const broker of brokers) {
      for (const batch of batches) {
        const { errorCode, baseOffset } = await produce(
          broker,
          topic,
          encodePlanned(batch, producerIds.get(broker)!),
        )
        if (errorCode !== 0) throw new Error(`${broker.name}: ${topic}: ${errorCode}`)
        activeFrom = baseOffset
      }
    }
    const each = <T>(ask: (broker: TestedBroker) => Promise<T> | T) => Promise.all(brokers.map(ask))
    if (expires) {
      const haveExpired = async () => (await each((broker) => earliestOffset(broker, topic))).every(Boolean)
      await until(`${topic}: retention`, haveExpired)
    }
    const [rolled, kafkaRolled] = await each((broker) => segmentsOf(broker, topic))
    verdict(`${topic}: segments before cleaning ${round}`, rolled, kafkaRolled)
    await each((broker) => alterTopic(broker, topic, 'min.cleanable.dirty.ratio', '0'))
    await until(`${topic}: cleaning ${round}`, () => brokers.every((b) => cleanedTo(b, topic) >= activeFrom))
    await each((broker) => alterTopic(broker, topic, 'min.cleanable.dirty.ratio', '1'))
    await sleep(CONFIG_SETTLES_MS)
    const [sluice, kafka] = await each((broker) => batchesOf(broker, topic, producerIds.get(broker)!))
    verdict(`${topic}: batches after cleaning ${round}`, sluice, kafka)
    const [segments, kafkaSegments] = await each((broker) => segmentsOf(broker, topic))
    verdict(`${topic}: segments after cleaning ${round}`, segments, kafkaSegments)
  }
}

interface TransactionalCase {
  readonly topic: string
  readonly configs?: Readonly<Record<string, string>>
  readonly history: TransactionalHistoryOptions
  readonly rounds: number
  /** A transaction is open at the end of every round but the last. */
  readonly leavesOpen?: boolean
}

const usualTransactions: TransactionalHistoryOptions = {
  keys: 30,
  producers: 4,
  steps: 120,
  tombstones: 0.15,
  commits: 0.5,
}
const transactionalCases: readonly TransactionalCase[] = [
  { topic: 'compacted-transactions-usual', history: usualTransactions, rounds: 3 },
  {
    topic: 'compacted-transactions-markers-go',
    configs: { 'delete.retention.ms': '0' },
    history: { ...usualTransactions, keys: 8, tombstones: 0.4 },
    rounds: 4,
  },
  {
    topic: 'compacted-transactions-open',
    configs: { 'delete.retention.ms': '0' },
    history: { ...usualTransactions, producers: 3 },
    rounds: 4,
    leavesOpen: true,
  },
]

async function compareTransactions(
  one: TransactionalCase,
  brokers: readonly TestedBroker[],
  seed: number,
): Promise<void> {
  const { topic, history, rounds, leavesOpen = false } = one
  const plan = new TransactionalPlan(new SeededRandom(seed), history, Date.now())
  const sessions: TransactionalSession[] = []
  for (const broker of brokers) {
    await createTopic(broker, topic, { ...topicConfig, ...transactionalTopicConfig, ...one.configs })
    sessions.push(await TransactionalSession.begin(broker, topic, history.producers))
  }
  for (let round = 1; round <= rounds; round++) {
    const isOpen = leavesOpen && round < rounds
    const steps = plan.round(isOpen)
    let activeFrom = 0
    for (const session of sessions)
      for (const step of steps) activeFrom = (await session.do(step)) ?? activeFrom
    const each = <T>(ask: (broker: TestedBroker) => Promise<T> | T) => Promise.all(brokers.map(ask))
    const compareAll = async (when: string) => {
      const found = await each((broker) =>
        batchesOf(broker, topic, sessions[brokers.indexOf(broker)]!.producerIds),
      )
      verdict(`${topic}: batches ${when}`, found[0], found[1])
      const segments = await each((broker) => segmentsOf(broker, topic))
      verdict(`${topic}: segments ${when}`, segments[0], segments[1])
      const [ours, theirs] = sessions.map((session) => session.abortedIndex())
      verdict(`${topic}: aborted transactions ${when}`, ours, theirs)
      return Promise.all(sessions.map(async (session) => latestOf(await session.committedValues())))
    }
    const before = await compareAll(`before cleaning ${round}`)
    verdict(`${topic}: what is committed before cleaning ${round}`, before[0], before[1])
    const stable = await stableOffset(brokers[0]!, topic)
    // What is open, and all behind it in its segment and after it, stays as it is.
    const cleanable = Math.max(...segmentsOf(brokers[0]!, topic).filter((base) => base <= stable))
    await each((broker) => alterTopic(broker, topic, 'min.cleanable.dirty.ratio', '0'))
    await until(`${topic}: cleaning ${round}`, () =>
      brokers.every((broker) => cleanedTo(broker, topic) >= Math.min(activeFrom, cleanable)),
    )
    await each((broker) => alterTopic(broker, topic, 'min.cleanable.dirty.ratio', '1'))
    await sleep(CONFIG_SETTLES_MS)
    const [cleaned, cleanedByKafka] = await each((broker) => cleanedTo(broker, topic))
    verdict(`${topic}: cleaned to, in round ${round}`, cleaned, cleanedByKafka)
    const after = await compareAll(`after cleaning ${round}`)
    verdict(`${topic}: what is committed after cleaning ${round}`, after[0], before[0])
    verdict(`${topic}: what is committed after cleaning ${round} by Kafka`, after[1], before[1])
  }
}

/** The keys that have a value, and which. */
function latestOf(values: ReadonlyMap<string, string>): string[] {
  return [...values].flatMap(([key, value]) => (value === 'gone' ? [] : [`${key}=${value}`])).sort()
}

/** A record without a key among others. */
async function compareKeyless(brokers: readonly TestedBroker[]): Promise<void> {
  const topic = 'compacted-keyless'
  const answers: unknown[] = []
  for (const broker of brokers) {
    await createTopic(broker, topic, topicConfig)
    const value = Buffer.from('v')
    const records = [{ key: value, value }, { value }, { key: Buffer.alloc(0), value }, { value: null }]
    const batch = encodeBatch({ baseTimestamp: Date.now(), records })
    const { errorCode, errorMessage, recordErrors } = await produce(broker, topic, batch)
    answers.push([errorCode, errorMessage, ...recordErrors.map((error) => JSON.stringify(error))])
  }
  verdict('records without a key are refused one by one', answers[0], answers[1])
}

const seed = Number(process.env.COMPACTION_SEED ?? Date.now() % 1_000_000)
process.stdout.write(`COMPACTION_SEED=${seed}\n`)
const dir = makeDataDirectory('compaction')
const kafkaDir = mkdtempSync(join(tmpdir(), 'kafka-compaction-'))
const brokers: TestedBroker[] = []
try {
  brokers.push(
    ...(await Promise.all([
      startSluice(dir, brokerConfig),
      startKafka(join(kafkaDir, 'data'), brokerConfig),
    ])),
  )
  await compareKeyless(brokers)
  const attempt = async (topic: string, comparing: Promise<void>) => {
    try {
      await comparing
    } catch (error) {
      failed++
      process.stdout.write(`FAIL ${topic}: ${error instanceof Error ? error.stack : String(error)}\n`)
    }
  }
  await Promise.all([
    ...cases.map((one, index) => attempt(one.topic, compare(one, brokers, seed + index))),
    ...transactionalCases.map((one, index) =>
      attempt(one.topic, compareTransactions(one, brokers, seed + cases.length + index)),
    ),
  ])
} finally {
  for (const broker of brokers) await broker.stop()
  rmSync(kafkaDir, { recursive: true, force: true })
  removeDataDirectory(dir)
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
const [countFile] = process.argv.slice(2)
if (countFile !== undefined) writeFileSync(countFile, `${passed} ${failed}\n`)
process.exitCode = failed === 0 ? 0 : 1
