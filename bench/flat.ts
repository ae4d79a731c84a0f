/**
 * Whether the cost of a request depends on how much there is besides: `npm run bench:flat [-- --write]`. CPU microseconds of
 * the broker for a Produce and a Fetch of one record, over all of 10, 1,000 and 10,000 partitions and over all of 1, 500 and
 * 5,000 connections, one request at a time so that each is a turn of the event loop by itself. The best of three rounds,
 * since other work on the machine only adds. `--write` puts table and picture into docs/performance.md.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BrokerPool, type PooledBroker } from './broker-pool.ts'
import { type Curve, chart, flatTable, replaceSection } from './flat-report.ts'
import { load } from './load.ts'
import { root } from './processes.ts'
import { FULL } from './scale.ts'

const ROUNDS = 3
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

/** A curve for each API; the rounds are in turns, so that a busy moment is not one size's. */
async function costs(what: string, counts: readonly number[], sizes: readonly Size[]): Promise<Curve[]> {
  const best = APIS.map(() => sizes.map(() => Number.POSITIVE_INFINITY))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [place, size] of sizes.entries()) {
      const measured = await brokers.withFresh('sluice', (broker) => costsOf(broker, size))
      console.error(
        `${counts[place]} ${what}: ${measured.map((micros) => micros.toFixed(1)).join(' and ')} µs`,
      )
      for (const [api, micros] of measured.entries()) {
        best[api]![place] = Math.min(best[api]![place]!, micros)
      }
    }
  }
  return APIS.map((api, index) => ({
    name: `${api}, ${what}`,
    points: counts.map((count, place) => ({ count, micros: best[index]![place]! })),
  }))
}

async function costsOf(broker: PooledBroker, { partitions, connections }: Size): Promise<number[]> {
  const topics = Math.max(1, partitions / PARTITIONS_OF_A_TOPIC)
  const each = partitions / topics
  await load(broker, 'topics', { topic: TOPIC, count: topics, partitions: each })
  const micros: number[] = []
  for (const api of APIS) {
    const requests = { api, topic: TOPIC, topics, partitions: each, connections, requests: REQUESTS }
    // The compilers' work is done before what counts.
    await load(broker, 'requests', requests)
    const timed = await load(broker, 'requests', requests)
    micros.push((timed.cpuSeconds * 1e6) / timed.records)
  }
  return micros
}
