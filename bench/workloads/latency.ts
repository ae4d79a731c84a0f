/** How long one record takes, at rates that leave the broker time. */
import { load, type Percentiles, type Timed } from '../load.ts'
import type { Workload } from '../workload.ts'

interface WithLatency extends Timed {
  readonly latency: Percentiles
}

function atRate(rate: number): Workload {
  return {
    name: `produce at ${rate.toLocaleString('en')}/s, acks=all`,
    figures: { 'p50, ms': { atMost: 1 }, 'p99, ms': { atMost: 0.7 }, 'p99.9, ms': { atMost: 1 } },
    measure: async (brokers, kind) => {
      const broker = await brokers.shared(kind)
      return brokers.withTopic(broker, { partitions: 1 }, async (topic) => {
        const records = rate * brokers.scale.steadySeconds
        const { latency } = await load<WithLatency>(broker, 'produce', { topic, rate, records })
        return { 'p50, ms': latency.p50, 'p99, ms': latency.p99, 'p99.9, ms': latency.p999 }
      })
    },
  }
}

export const latencyWorkloads: readonly Workload[] = [
  atRate(1000),
  atRate(10_000),
  {
    name: 'end to end',
    figures: { 'p50, ms': { atMost: 0.8 }, 'p99, ms': { atMost: 0.7 } },
    measure: async (brokers, kind) => {
      const broker = await brokers.shared(kind)
      return brokers.withTopic(broker, { partitions: 1 }, async (topic) => {
        const records = brokers.scale.endToEndRecords
        const { latency } = await load<WithLatency>(broker, 'e2e', { topic, records })
        return { 'p50, ms': latency.p50, 'p99, ms': latency.p99 }
      })
    },
  },
]
