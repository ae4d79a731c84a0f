/** What one broker is put through, and the figures that come of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { consumerPerformance, endToEndLatency, producerPerformance } from './kafka.ts'
import { type BrokerKind, type BrokerProcess, cpuSeconds, residentBytes } from './processes.ts'
import { RawClient, recordBatch } from './raw-client.ts'
import { startedBroker } from './start-time.ts'

/** How much of everything; bytes are those of the records' values. */
export interface Scale {
  readonly warmUpBytes: number
  readonly produceBytes: number
  readonly steadySeconds: number
  readonly endToEndRecords: number
  readonly tailRounds: number
}

/** One round's figures, by name; all of them are better when they are lower, but throughput. */
export interface Figures {
  readonly 'produce 1 KB, MB/s': number
  readonly 'produce 100 B, MB/s': number
  readonly 'consume old data, MB/s': number
  readonly 'produce 1 KB, CPU s/GB': number
  readonly 'produce 100 B, CPU s/GB': number
  readonly 'consume near the end, CPU s/GB': number
  readonly 'consume old data, CPU s/GB': number
  readonly 'produce p99, ms': number
  readonly 'end-to-end p99, ms': number
  readonly 'resident under load, MB': number
}

const STEADY_RECORDS_PER_SECOND = 10_000
const TAIL_BATCHES = 2500
const TAIL_BATCH_RECORDS = 16

/** A fresh broker through all workloads, one after the other. */
export async function measureRound(kind: BrokerKind, scale: Scale): Promise<Figures> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-load-'))
  try {
    const { broker } = await startedBroker(kind, join(dir, 'data'))
    try {
      return await figuresOf(broker, scale)
    } finally {
      await broker.stop('SIGKILL')
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function figuresOf(broker: BrokerProcess, scale: Scale): Promise<Figures> {
  const { port } = broker
  await createTopics(port, ['warm', 'large', 'small', 'steady', 'echo', 'tail'])
  const produce = (topic: string, bytes: number, recordBytes: number) =>
    withCpu(broker, bytes, () =>
      producerPerformance(port, {
        topic,
        records: Math.ceil(bytes / recordBytes),
        recordBytes,
        perSecond: -1,
      }),
    )
  await produce('warm', scale.warmUpBytes, 1000)
  const large = await produce('large', scale.produceBytes, 1000)
  const small = await produce('small', scale.produceBytes / 4, 100)
  const residentLoaded = residentBytes(broker.pid).peak
  const steady = await producerPerformance(port, {
    topic: 'steady',
    records: STEADY_RECORDS_PER_SECOND * scale.steadySeconds,
    recordBytes: 1000,
    perSecond: STEADY_RECORDS_PER_SECOND,
  })
  const endToEndMs = await endToEndLatency(port, 'echo', scale.endToEndRecords)
  const near = await consumeNearTheEnd(broker, scale.tailRounds)
  const old = await withCpu(broker, scale.produceBytes, () =>
    consumerPerformance(port, 'large', Math.ceil(scale.produceBytes / 1000)),
  )
  return {
    'produce 1 KB, MB/s': large.result.megabytesPerSecond,
    'produce 100 B, MB/s': small.result.megabytesPerSecond,
    'consume old data, MB/s': old.result,
    'produce 1 KB, CPU s/GB': large.cpuPerGigabyte,
    'produce 100 B, CPU s/GB': small.cpuPerGigabyte,
    'consume near the end, CPU s/GB': near,
    'consume old data, CPU s/GB': old.cpuPerGigabyte,
    'produce p99, ms': steady.p99Ms,
    'end-to-end p99, ms': endToEndMs,
    'resident under load, MB': Math.max(residentLoaded, residentBytes(broker.pid).peak) / 1e6,
  }
}

async function createTopics(port: number, names: readonly string[]): Promise<void> {
  const client = await RawClient.connect(port)
  try {
    await client.createTopics(names, 1)
    for (const name of names) while ((await client.leaderOf(name)) === undefined) {}
  } finally {
    client.close()
  }
}

/** 40 MB that were just appended, read again and again: what the Java client costs itself would be most of the time. */
async function consumeNearTheEnd(broker: BrokerProcess, rounds: number): Promise<number> {
  const client = await RawClient.connect(broker.port)
  try {
    const batch = recordBatch(TAIL_BATCH_RECORDS, 1000, Date.now())
    for (let index = 0; index < TAIL_BATCHES; index++) {
      const offset = await client.produce('tail', batch)
      if (offset !== index * TAIL_BATCH_RECORDS) throw new Error(`batch ${index} was answered ${offset}`)
    }
    const end = TAIL_BATCHES * TAIL_BATCH_RECORDS
    await client.readThrough('tail', end)
    const { cpuPerGigabyte } = await withCpu(broker, rounds * end * 1000, async () => {
      for (let round = 0; round < rounds; round++) await client.readThrough('tail', end)
    })
    return cpuPerGigabyte
  } finally {
    client.close()
  }
}

/** What `action` gives, and the CPU seconds that the broker took meanwhile for each GB. */
async function withCpu<T>(
  broker: BrokerProcess,
  bytes: number,
  action: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpuPerGigabyte: number }> {
  const before = cpuSeconds(broker.pid)
  const result = await action()
  return { result, cpuPerGigabyte: ((cpuSeconds(broker.pid) - before) * 1e9) / bytes }
}
