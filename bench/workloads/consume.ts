/** Reading what is there: from memory near the end of the log, from the page cache, from the disk. */
import type { BrokerPool, PooledBroker } from '../broker-pool.ts'
import { consumerPerformance } from '../kafka.ts'
import { load, loadOffline, type Timed } from '../load.ts'
import { type BrokerKind, cpuSeconds } from '../processes.ts'
import type { Workload } from '../workload.ts'

/** Sluice has the newest third of it in its tail cache (`sluice.tail.cache.bytes`). */
const TAIL_BYTES = 40e6
const OLD_TOPIC = 'old'
const PARTITIONS = 6

export const consumeWorkloads: readonly Workload[] = [
  {
    name: 'consume near the end',
    figures: { 'MB/s': { atLeast: 1 }, 'CPU s/GB': { atMost: 0.6 } },
    measure: async (brokers, kind) => {
      const broker = await brokers.shared(kind)
      return brokers.withTopic(broker, { partitions: PARTITIONS }, async (topic) => {
        await load(broker, 'produce', { topic, records: TAIL_BYTES / 1000 })
        return figures(await load(broker, 'consume', { topic, times: brokers.scale.tailRounds }))
      })
    },
  },
  {
    name: 'consume from the page cache',
    figures: { 'MB/s': { atLeast: 1 }, 'CPU s/GB': { atMost: 1 } },
    measure: async (brokers, kind) => {
      const broker = await withOldTopic(brokers, kind)
      // Read once before, so that it is there.
      await load(broker, 'consume', { topic: OLD_TOPIC })
      return figures(await load(broker, 'consume', { topic: OLD_TOPIC }))
    },
  },
  {
    name: 'consume from the page cache, Java',
    figures: { 'MB/s': { atLeast: 1 }, 'CPU s/GB': { atMost: 1 } },
    measure: async (brokers, kind) => {
      const broker = await withOldTopic(brokers, kind)
      await load(broker, 'consume', { topic: OLD_TOPIC })
      const before = cpuSeconds(broker.pid)
      const bytes = brokers.scale.oldBytes
      const rate = await consumerPerformance(broker.port, OLD_TOPIC, bytes / 1000)
      return { 'MB/s': rate, 'CPU s/GB': ((cpuSeconds(broker.pid) - before) * 1e9) / bytes }
    },
  },
  {
    name: 'consume from disk',
    figures: { 'MB/s': { atLeast: 1 }, 'CPU s/GB': { atMost: 1 } },
    measure: async (brokers, kind) => {
      const broker = await withOldTopic(brokers, kind)
      await loadOffline('evict', { dir: broker.dir, topic: `${OLD_TOPIC}-` })
      return figures(await load(broker, 'consume', { topic: OLD_TOPIC }))
    },
  },
]

/** The shared broker, with a topic that is old: what came after it has pushed it out of memory. */
async function withOldTopic(brokers: BrokerPool, kind: BrokerKind): Promise<PooledBroker> {
  const broker = await brokers.shared(kind)
  await brokers.once(`old topic of ${kind}`, async () => {
    await load(broker, 'topics', { topic: OLD_TOPIC, partitions: PARTITIONS })
    await load(broker, 'produce', { topic: OLD_TOPIC, records: brokers.scale.oldBytes / 1000 })
    await brokers.withTopic(broker, { partitions: 1 }, (topic) =>
      load(broker, 'produce', { topic, records: 100_000 }),
    )
  })
  return broker
}

function figures(timed: Timed) {
  return { 'MB/s': timed.megabytesPerSecond, 'CPU s/GB': (timed.cpuSeconds * 1e9) / timed.bytes }
}
