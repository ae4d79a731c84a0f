/** Many clients at once, and transactions. */
import { load, type Timed } from '../load.ts'
import type { Workload } from '../workload.ts'

const SYNCED_PRODUCERS = 48
const SMALL_PRODUCERS = 500
const FOLLOWERS = 100
const FOLLOWED_PER_SECOND = 500
const TRANSACTIONAL_PRODUCERS = 4

function transactionsOf(records: number): Workload {
  return {
    name: `transactions of ${records === 1 ? '1 record' : `${records} records`} of 1 KB`,
    figures: { 'transactions/s': { atLeast: 1 }, 'CPU ms/transaction': {} },
    measure: async (brokers, kind) => {
      const broker = await brokers.shared(kind)
      return brokers.withTopic(broker, { partitions: 6 }, async (topic) => {
        const options = {
          topic,
          records,
          producers: TRANSACTIONAL_PRODUCERS,
          seconds: brokers.scale.transactionSeconds,
        }
        const timed = await load<Timed & { readonly transactions: number }>(broker, 'transactions', options)
        return {
          'transactions/s': timed.transactions / timed.seconds,
          'CPU ms/transaction': (timed.cpuSeconds * 1000) / timed.transactions,
        }
      })
    },
  }
}

export const manyWorkloads: readonly Workload[] = [
  {
    name: `acks=all with flush.messages=1, ${SYNCED_PRODUCERS} producers`,
    figures: { 'records/s': { atLeast: 1.2 } },
    measure: async (brokers, kind) => {
      const broker = await brokers.shared(kind)
      return brokers.withTopic(broker, { partitions: 6, config: 'flush.messages=1' }, async (topic) => {
        const records = Math.round(brokers.scale.requests / 3)
        const options = { topic, records, clients: SYNCED_PRODUCERS, sync: true }
        return { 'records/s': (await load(broker, 'produce', options)).recordsPerSecond }
      })
    },
  },
  {
    name: `${SMALL_PRODUCERS} producers, 1 record per request`,
    figures: { 'records/s': { atLeast: 1 }, 'CPU µs/request': {} },
    measure: async (brokers, kind) => {
      const broker = await brokers.shared(kind)
      return brokers.withTopic(broker, { partitions: 6 }, async (topic) => {
        const options = {
          ...{ topic, records: brokers.scale.requests, size: 100 },
          ...{ clients: SMALL_PRODUCERS, sync: true },
        }
        const timed = await load(broker, 'produce', options)
        return {
          'records/s': timed.recordsPerSecond,
          'CPU µs/request': (timed.cpuSeconds * 1e6) / timed.records,
        }
      })
    },
  },
  {
    name: `${FOLLOWERS} consumers at the tail of one topic`,
    figures: { 'CPU s/GB': { atMost: 0.7 } },
    measure: async (brokers, kind) => {
      const broker = await brokers.shared(kind)
      return brokers.withTopic(broker, { partitions: 1 }, async (topic) => {
        const rate = FOLLOWED_PER_SECOND
        const records = rate * (brokers.scale.steadySeconds / 2)
        const timed = await load(broker, 'follow', { topic, consumers: FOLLOWERS, rate, records })
        return { 'CPU s/GB': (timed.cpuSeconds * 1e9) / timed.bytes }
      })
    },
  },
  transactionsOf(100),
  transactionsOf(1),
]
