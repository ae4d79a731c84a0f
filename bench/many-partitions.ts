/**
 * What many partitions and much data cost: making them, memory, a clean stop, and a start after a clean stop and after a
 * kill. As a program:
 *
 *     node bench/many-partitions.ts KIND PARTITIONS [MEGABYTES] [PARTITIONS_PER_TOPIC]
 *
 * with KIND `sluice` or `kafka`. The data is made once by producing it, the same to every partition. Times are what a
 * client sees; CPU is the broker process's own.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BrokerKind,
  type BrokerProcess,
  cpuSeconds,
  freePort,
  openFiles,
  pause,
  residentBytes,
  spawnBroker,
  untilAccepting,
} from './processes.ts'
import { RawClient, recordBatch } from './raw-client.ts'

const START_TIMEOUT_MS = 300_000
const BATCH_BYTES = 500_000
const TOPICS_IN_ONE_REQUEST = 1000

export interface Layout {
  readonly partitions: number
  readonly bytes: number
  readonly partitionsPerTopic: number
}

export interface Figure {
  readonly ms: number
  readonly cpuMs: number
}

export interface ManyPartitions {
  readonly create: Figure
  /** All partitions written to and idle for a while. */
  readonly residentBytes: number
  readonly openFiles: number
  readonly metadata: Figure
  readonly stop: Figure
  readonly startAfterStop: Start
  readonly startAfterKill: Start
  readonly stopAgain: Figure
  readonly remove: Figure
}

export interface Start {
  /** A batch for one partition is acknowledged. */
  readonly first: Figure
  /** Every partition tells where it ends. */
  readonly all: Figure
}

async function measureManyPartitions(kind: BrokerKind, layout: Layout): Promise<ManyPartitions> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-partitions-'))
  const topics = topicNames(layout)
  let running: BrokerProcess | undefined
  const start = async (): Promise<{ broker: BrokerProcess; client: RawClient }> => {
    const port = await freePort()
    const broker = await spawnBroker(kind, port, join(dir, 'data'))
    running = broker
    await untilAccepting(port, START_TIMEOUT_MS)
    return { broker, client: await RawClient.connect(port) }
  }
  try {
    const fresh = await start()
    await untilWritable(fresh.client, 'first')
    const create = await costing(fresh.broker, () => createAll(fresh.client, topics, layout))
    await fill(fresh.client, topics, layout)
    await pause(5000)
    const resident = residentBytes(fresh.broker.pid).now
    const files = openFiles(fresh.broker.pid)
    const metadata = await costing(fresh.broker, () => fresh.client.allTopics())
    const stop = await stopped(fresh.broker)

    const again = await start()
    const startAfterStop = await untilAnswered(again.broker, again.client, topics, layout)
    await again.broker.stop('SIGKILL')

    const killed = await start()
    const startAfterKill = await untilAnswered(killed.broker, killed.client, topics, layout)
    const stopAgain = await stopped(killed.broker)

    const last = await start()
    await untilAnswered(last.broker, last.client, topics, layout)
    const remove = await costing(last.broker, () => last.client.deleteTopics(topics))
    return {
      create,
      residentBytes: resident,
      openFiles: files,
      metadata,
      stop,
      startAfterStop,
      startAfterKill,
      stopAgain,
      remove,
    }
  } finally {
    await running?.stop('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  }
}

function topicNames({ partitions, partitionsPerTopic }: Layout): string[] {
  return Array.from({ length: Math.ceil(partitions / partitionsPerTopic) }, (_, index) => `topic-${index}`)
}

async function createAll(client: RawClient, topics: readonly string[], layout: Layout): Promise<void> {
  const perRequest = Math.max(1, Math.floor(TOPICS_IN_ONE_REQUEST / layout.partitionsPerTopic))
  for (let from = 0; from < topics.length; from += perRequest)
    await client.createTopics(topics.slice(from, from + perRequest), layout.partitionsPerTopic)
}

/** A small batch to every partition, and then as many large ones as there are bytes to write. */
async function fill(client: RawClient, topics: readonly string[], layout: Layout): Promise<void> {
  const perPartition = layout.bytes / layout.partitions
  const large = recordBatch(Math.floor(BATCH_BYTES / 1000), 990, Date.now())
  for (const topic of topics) {
    for (let partition = 0; partition < layout.partitionsPerTopic; partition++) {
      await written(client, topic, recordBatch(1, 100, Date.now()), partition)
      for (let bytes = 0; bytes + large.length <= perPartition; bytes += large.length)
        await written(client, topic, large, partition)
    }
  }
}

async function written(client: RawClient, topic: string, batch: Buffer, partition: number): Promise<void> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const offset = await client.produce(topic, batch, partition)
    if (offset >= 0) return
    if (performance.now() > deadlineMs) throw new Error(`${topic}-${partition}: error ${-offset}`)
    await pause(5)
  }
}

async function untilWritable(client: RawClient, topic: string): Promise<void> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS
  const batch = recordBatch(1, 100, Date.now())
  while ((await client.leaderOf(topic)) === undefined || (await client.produce(topic, batch)) < 0) {
    if (performance.now() > deadlineMs) throw new Error('no leader, or nothing acknowledged')
    await pause(1)
  }
}

async function untilAnswered(
  broker: BrokerProcess,
  client: RawClient,
  topics: readonly string[],
  { partitionsPerTopic }: Layout,
): Promise<Start> {
  const since = (): Figure => ({
    ms: performance.now() - broker.spawnedMs,
    cpuMs: cpuSeconds(broker.pid) * 1000,
  })
  await untilWritable(client, topics.at(-1)!)
  const first = since()
  const deadlineMs = performance.now() + START_TIMEOUT_MS
  for (const topic of topics) {
    while (!(await client.endsKnown(topic, partitionsPerTopic))) {
      if (performance.now() > deadlineMs) throw new Error(`${topic}: not served`)
      await pause(5)
    }
  }
  return { first, all: since() }
}

async function costing(broker: BrokerProcess, work: () => Promise<unknown>): Promise<Figure> {
  const fromMs = performance.now()
  const fromCpu = cpuSeconds(broker.pid)
  await work()
  return { ms: performance.now() - fromMs, cpuMs: (cpuSeconds(broker.pid) - fromCpu) * 1000 }
}

async function stopped(broker: BrokerProcess): Promise<Figure> {
  const fromMs = performance.now()
  const fromCpu = cpuSeconds(broker.pid)
  let cpu = fromCpu
  const sampling = setInterval(() => {
    try {
      cpu = cpuSeconds(broker.pid)
    } catch {
      // It has ended.
    }
  }, 20)
  await broker.stop('SIGTERM')
  clearInterval(sampling)
  return { ms: performance.now() - fromMs, cpuMs: (cpu - fromCpu) * 1000 }
}

function isKind(kind: string | undefined): kind is BrokerKind {
  return kind === 'sluice' || kind === 'kafka'
}

if (import.meta.main) {
  const [kind, partitions = '1000', megabytes = '0', perTopic = '10'] = process.argv.slice(2)
  if (!isKind(kind)) throw new Error('sluice or kafka')
  const figures = await measureManyPartitions(kind, {
    partitions: Number(partitions),
    bytes: Number(megabytes) * 1e6,
    partitionsPerTopic: Number(perTopic),
  })
  const text = ({ ms, cpuMs }: Figure) => `${Math.round(ms)} ms, CPU ${Math.round(cpuMs)} ms`
  console.log(`${kind}, ${partitions} partitions, ${megabytes} MB`)
  console.log(`  create all            ${text(figures.create)}`)
  console.log(
    `  resident              ${Math.round(figures.residentBytes / 1e6)} MB, ${figures.openFiles} open files`,
  )
  console.log(`  metadata of all       ${text(figures.metadata)}`)
  console.log(`  clean stop            ${text(figures.stop)}`)
  console.log(`  start after that      ${text(figures.startAfterStop.first)}`)
  console.log(`    all partitions      ${text(figures.startAfterStop.all)}`)
  console.log(`  start after a kill    ${text(figures.startAfterKill.first)}`)
  console.log(`    all partitions      ${text(figures.startAfterKill.all)}`)
  console.log(`  clean stop after that ${text(figures.stopAgain)}`)
  console.log(`  delete all            ${text(figures.remove)}`)
}
