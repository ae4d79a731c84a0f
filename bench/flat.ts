/**
 * Whether the cost of a request depends on how much there is besides: `npm run bench:flat [-- --write]`. CPU microseconds of
 * the broker for a Produce and a Fetch of one record, over all of 10, 1,000 and 10,000 partitions and over all of 1, 500 and
 * 5,000 connections, one request at a time so that each is a turn of the event loop by itself. The brokers of all sizes are
 * up at once and measured in turns of a few seconds, so that a slow minute is every size's; medians of the rounds. `--write`
 * puts table and picture into docs/performance.md.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BrokerPool, type PooledBroker } from './broker-pool.ts'
import { type Curve, chart, flatTable, replaceSection } from './flat-report.ts'
import { load } from './load.ts'
import { root } from './processes.ts'
import { median } from './results.ts'
import { FULL } from './scale.ts'

const ROUNDS = 6
const REQUESTS = 20_000
const PARTITIONS = [10, 1000, 10_000]
const CONNECTIONS = [1, 500, 5000]
const PARTITIONS_OF_A_TOPIC = 1000
const APIS = ['produce', 'fetch'] as const
const TOPIC = 'flat'

interface Size {
  readonly partitions: number
  readonly connections: number
}

execFileSync('npm', ['run', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
const brokers = new BrokerPool(FULL)
const curves: Curve[] = []
try {
  const byPartitions = PARTITIONS.map((partitions) => ({ partitions, connections: 1 }))
  const byConnections = CONNECTIONS.map((connections) => ({ partitions: PARTITIONS[0]!, connections }))
  curves.push(...(await costs('partitions', PARTITIONS, byPartitions)))
  curves.push(...(await costs('connections', CONNECTIONS, byConnections)))
} finally {
  await brokers.close()
}
console.log(flatTable(curves))
if (process.argv.includes('--write')) {
  const path = join(root, 'docs/performance.md')
  writeFileSync(join(root, 'docs/flat-costs.svg'), chart(curves))
  const section = `${flatTable(curves)}\n\n![Costs of a request](flat-costs.svg)`
  writeFileSync(path, replaceSection(readFileSync(path, 'utf8'), 'flat', section))
}

/** A curve for each API. */
function costs(what: string, counts: readonly number[], sizes: readonly Size[]): Promise<Curve[]> {
  return withBrokers(sizes, async (started) => {
    const measured = APIS.map(() => sizes.map((): number[] => []))
    // What is fetched is what the warm-up produced: after many rounds of Produce it would be on the disk alone.
    for (const [index, api] of [...APIS.entries()].reverse()) {
      for (let round = 0; round < ROUNDS; round++) {
        for (const [place, size] of sizes.entries()) {
          measured[index]![place]!.push(await costOf(api, started[place]!, size))
        }
        const now = measured[index]!.map((micros, place) => `${micros[round]!.toFixed(1)} (${counts[place]})`)
        console.error(`${api}, ${what}, round ${round + 1}: ${now.join(', ')} µs`)
      }
    }
    return APIS.map((api, index) => ({
      name: `${api}, ${what}`,
      points: counts.map((count, place) => ({ count, micros: median(measured[index]![place]!) })),
    }))
  })
}

/** Runs `action` with a broker for each size, whose topics are made and whose compilers are done. */
function withBrokers<T>(
  sizes: readonly Size[],
  action: (started: readonly PooledBroker[]) => Promise<T>,
  started: readonly PooledBroker[] = [],
): Promise<T> {
  const size = sizes[started.length]
  if (size === undefined) return action(started)
  return brokers.withFresh('sluice', async (broker) => {
    const { topics, partitions } = topicsOf(size)
    await load(broker, 'topics', { topic: TOPIC, count: topics, partitions })
    for (const api of APIS) await costOf(api, broker, size)
    return withBrokers(sizes, action, [...started, broker])
  })
}

async function costOf(api: string, broker: PooledBroker, size: Size): Promise<number> {
  const { connections } = size
  const options = { api, topic: TOPIC, ...topicsOf(size), connections, requests: REQUESTS }
  const { cpuSeconds, records } = await load(broker, 'requests', options)
  return (cpuSeconds * 1e6) / records
}

function topicsOf({ partitions }: Size) {
  const topics = Math.max(1, partitions / PARTITIONS_OF_A_TOPIC)
  return { topics, partitions: partitions / topics }
}
