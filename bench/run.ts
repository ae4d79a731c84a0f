/**
 * Sluice beside Apache Kafka on this machine, in turns: `npm run bench [-- --quick]`. Prints the ratios of the targets and
 * writes docs/benchmarks.md with its picture (not with --quick, whose figures are for a look). Needs Java and Maven.
 */
import { writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fetchKafka } from './kafka.ts'
import { type BrokerKind, root } from './processes.ts'
import { picture, Results, table } from './report.ts'
import { measureIdle, measureStart } from './start-time.ts'
import { measureRound, type Scale } from './workloads.ts'

const QUICK: Scale = {
  warmUpBytes: 50e6,
  produceBytes: 300e6,
  steadySeconds: 8,
  endToEndRecords: 2000,
  tailRounds: 15,
}
const FULL: Scale = {
  warmUpBytes: 100e6,
  produceBytes: 600e6,
  steadySeconds: 15,
  endToEndRecords: 5000,
  tailRounds: 30,
}
const FULL_ROUNDS = 3
const STARTS_PER_ROUND = 3
const IDLE_MS = 10_000

const isQuick = process.argv.includes('--quick')
const scale = isQuick ? QUICK : FULL
const rounds = isQuick ? 1 : FULL_ROUNDS

await fetchKafka()
const results = new Results()
for (let round = 0; round < rounds; round++) {
  const order: BrokerKind[] = round % 2 === 0 ? ['sluice', 'kafka'] : ['kafka', 'sluice']
  for (let start = 0; start < STARTS_PER_ROUND; start++) {
    for (const kind of order) results.add(kind, { 'start, ms': await measureStart(kind) })
  }
  for (const kind of order) {
    console.error(`round ${round + 1} of ${rounds}: ${kind}`)
    results.add(kind, { 'resident when idle, MB': (await measureIdle(kind, IDLE_MS)) / 1e6 })
    results.add(kind, { ...(await measureRound(kind, scale)) })
  }
}
const rows = results.rows()
console.log(table(rows))
if (!isQuick) {
  writeFileSync(join(root, 'docs/benchmarks.svg'), picture(rows))
  writeFileSync(join(root, 'docs/benchmarks.md'), page())
}

function page(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  const processors = cpus()
  return `# Beside Apache Kafka

\`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${processors.length} cores (${processors[0]!.model.trim()}), ${gigabytes} GB of memory, Node ${process.versions.node}; Apache Kafka 4.3.1 as its scripts start it. Clients and broker share the machine. Medians of ${rounds} rounds in turns; CPU is that of the broker's process.

${table(rows)}

![Ratios](benchmarks.svg)

- Produced by Kafka's ProducerPerformance with the producer's defaults: ${scale.produceBytes / 1e6} MB of 1000 B and ${scale.produceBytes / 4e6} MB of 100 B, one partition; p99 at 10 MB/s.
- Old data is read by ConsumerPerformance from the first record on; near the end, the last 40 MB by a client of the benchmark's own. End-to-end is Kafka's EndToEndLatency, which counts whole milliseconds.
- A start lasts from spawning the process on fresh data to a Metadata that names a leader and a Produce that is acknowledged; Kafka's data is formatted before.
`
}
