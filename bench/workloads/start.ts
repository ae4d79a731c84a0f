/** From spawning a broker to the first acknowledged record: on nothing, and on a lot of data. */
import { statfsSync } from 'node:fs'
import type { BrokerPool } from '../broker-pool.ts'
import { load, loadOffline } from '../load.ts'
import type { BrokerKind } from '../processes.ts'
import { median } from '../results.ts'
import { measureStart, startedBroker } from '../start-time.ts'
import type { Workload } from '../workload.ts'

const STARTS_PER_ROUND = 3
const PARTITIONS = 1000
const TOPIC = 'big'

export const startWorkloads: readonly Workload[] = [
  {
    name: 'start, empty',
    figures: { ms: { atMost: 0.15, sluiceAtMost: 300 } },
    measure: async (_, kind) => {
      const times: number[] = []
      for (let start = 0; start < STARTS_PER_ROUND; start++) times.push(await measureStart(kind))
      return { ms: median(times) }
    },
  },
  {
    name: `start, ${PARTITIONS.toLocaleString('en')} partitions and 10 GB`,
    figures: { 'after a clean stop, ms': { atMost: 0.15 }, 'after kill -9, ms': { atMost: 0.15 } },
    measure: async (brokers, kind) => {
      const dir = await brokers.once(`big log of ${kind}`, () => bigLog(brokers, kind))
      return {
        'after a clean stop, ms': await cleanStart(kind, dir),
        'after kill -9, ms': await startAfterKill(kind, dir),
      }
    },
  },
]

/** A broker's data, cleanly stopped. */
async function bigLog(brokers: BrokerPool, kind: BrokerKind): Promise<string> {
  const dir = brokers.newPath(`big-${kind}`)
  const { broker } = await startedBroker(kind, dir)
  try {
    const { bavail, bsize } = statfsSync(dir)
    const bytes = brokers.scale.bigLogBytes
    if (bavail * bsize < 3 * bytes) throw new Error(`${dir} has no room for ${bytes / 1e9} GB`)
    await load(broker, 'topics', { topic: TOPIC, partitions: PARTITIONS })
    await load(broker, 'produce', { topic: TOPIC, records: bytes / 1000, acks: 1, linger: '50ms' })
  } finally {
    await broker.stop('SIGTERM')
  }
  return dir
}

/** Leaves the broker's data as a kill in the middle of work on every partition does. */
async function cleanStart(kind: BrokerKind, dir: string): Promise<number> {
  await loadOffline('evict', { dir, topic: TOPIC })
  const { broker, startMs } = await startedBroker(kind, dir)
  try {
    await load(broker, 'requests', { topic: TOPIC, partitions: PARTITIONS, requests: PARTITIONS })
  } finally {
    await broker.stop('SIGKILL')
  }
  return startMs
}

async function startAfterKill(kind: BrokerKind, dir: string): Promise<number> {
  await loadOffline('evict', { dir, topic: TOPIC })
  const { broker, startMs } = await startedBroker(kind, dir)
  await broker.stop('SIGTERM')
  return startMs
}
