/** Resident memory of brokers that begin anew for each figure. */
import type { BrokerPool, PooledBroker } from '../broker-pool.ts'
import { load, withConnections } from '../load.ts'
import { pause, residentBytes } from '../processes.ts'
import type { Workload } from '../workload.ts'

const TOPICS = 10
const PARTITIONS_OF_EACH = 1000
const CONNECTIONS = 5000

function resident(
  name: string,
  bytes: (broker: PooledBroker, brokers: BrokerPool) => Promise<number>,
): Workload {
  return {
    name: `memory ${name}`,
    figures: { 'resident MB': { atMost: 0.3 } },
    measure: (brokers, kind) =>
      brokers.withFresh(kind, async (broker) => ({ 'resident MB': (await bytes(broker, brokers)) / 1e6 })),
  }
}

async function settled(broker: PooledBroker, brokers: BrokerPool): Promise<number> {
  await pause(brokers.scale.settleMs)
  return residentBytes(broker.pid).now
}

export const memoryWorkloads: readonly Workload[] = [
  resident('idle', settled),
  resident('under load', async (broker, brokers) => {
    const options = { topic: 'load', partitions: 6 }
    await load(broker, 'topics', options)
    const records = brokers.scale.loadBytes / 1000
    await load(broker, 'produce', { topic: 'load', records })
    await load(broker, 'produce', { topic: 'load', records: records / 4, clients: 50 })
    await load(broker, 'consume', { topic: 'load' })
    return residentBytes(broker.pid).peak
  }),
  resident('with 10,000 partitions', async (broker, brokers) => {
    await load(broker, 'topics', { topic: 'many', count: TOPICS, partitions: PARTITIONS_OF_EACH })
    return settled(broker, brokers)
  }),
  resident('with 5,000 connections', (broker, brokers) =>
    withConnections(broker, CONNECTIONS, () => settled(broker, brokers)),
  ),
]
