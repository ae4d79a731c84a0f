/** Producing as fast as it goes: Kafka's own ProducerPerformance, and the load generator. */
import type { BrokerPool } from '../broker-pool.ts'
import { producerPerformance } from '../kafka.ts'
import { load, loadOffline } from '../load.ts'
import { type BrokerKind, cpuSeconds } from '../processes.ts'
import { warmMemory } from '../warm-memory.ts'
import type { Workload } from '../workload.ts'

interface Shape {
  readonly name: string
  readonly size: number
  readonly partitions: number
  readonly acks: '1' | 'all'
  readonly codec?: 'lz4'
  /** Of what a run has at 1 KB: small records are more work. */
  readonly share?: number
  readonly loadAtLeast: number
}

const SHAPES: readonly Shape[] = [
  {
    name: 'produce 100 B × 6 partitions, acks=1',
    size: 100,
    partitions: 6,
    acks: '1',
    share: 0.25,
    loadAtLeast: 1.1,
  },
  { name: 'produce 1 KB × 1 partition, acks=all', size: 1000, partitions: 1, acks: 'all', loadAtLeast: 1.3 },
  {
    name: 'produce 1 KB lz4 × 6 partitions',
    size: 1000,
    partitions: 6,
    acks: 'all',
    codec: 'lz4',
    loadAtLeast: 1.3,
  },
  { name: 'produce 10 KB × 6 partitions', size: 10_000, partitions: 6, acks: 'all', loadAtLeast: 1.3 },
]

/** What a log has for each byte of values, at most: records and batches have more than their values. */
const LOG_BYTES_PER_BYTE = 1.2

export const produceWorkloads: readonly Workload[] = SHAPES.flatMap((shape) => [
  {
    name: `${shape.name}, Java`,
    figures: { 'records/s': { atLeast: 1 }, 'CPU s/GB': { atMost: 0.7 } },
    measure: (brokers, kind) => withJava(shape, brokers, kind),
  },
  {
    name: `${shape.name}, native`,
    figures: { 'records/s': { atLeast: shape.loadAtLeast }, 'CPU s/GB': { atMost: 0.7 } },
    measure: (brokers, kind) => withLoad(shape, brokers, kind),
  },
])

async function withJava(shape: Shape, brokers: BrokerPool, kind: BrokerKind) {
  const { size, partitions } = shape
  const broker = await brokers.shared(kind)
  const payloadFile = await brokers.once(`payloads of ${size}`, async () => {
    const file = brokers.newPath('payloads')
    await loadOffline('payloads', { file, size })
    return file
  })
  const records = recordsOf(shape, brokers.scale.javaBytes)
  return brokers.withTopic(broker, { partitions }, async (topic) => {
    warmMemory(brokers.newPath('warm'), LOG_BYTES_PER_BYTE * records * size)
    const before = cpuSeconds(broker.pid)
    const properties = [`acks=${shape.acks}`, `compression.type=${shape.codec ?? 'none'}`]
    const perSecond = await producerPerformance(broker.port, { topic, records, payloadFile, properties })
    const seconds = cpuSeconds(broker.pid) - before
    return { 'records/s': perSecond, 'CPU s/GB': (seconds * 1e9) / (records * size) }
  })
}

async function withLoad(shape: Shape, brokers: BrokerPool, kind: BrokerKind) {
  const { size, partitions, acks } = shape
  const broker = await brokers.shared(kind)
  const records = recordsOf(shape, brokers.scale.loadBytes)
  return brokers.withTopic(broker, { partitions }, async (topic) => {
    warmMemory(brokers.newPath('warm'), LOG_BYTES_PER_BYTE * records * size)
    const timed = await load(broker, 'produce', { topic, size, acks, codec: shape.codec ?? 'none', records })
    return { 'records/s': timed.recordsPerSecond, 'CPU s/GB': (timed.cpuSeconds * 1e9) / timed.bytes }
  })
}

function recordsOf({ size, share = 1 }: Shape, bytes: number): number {
  return Math.ceil((bytes * share) / size)
}
