/**
 * Sluice beside Apache Kafka on this machine, in turns: `npm run bench`. Needs Java, Maven and Go; Linux only.
 *
 *   --only TEXT     the workloads of which a figure has TEXT in its name, e.g. --only 'produce 1 KB'
 *   --rounds N      how often each broker is measured, 3 unless told otherwise
 *   --quick         one round of less, for a look
 *   --kind sluice   one broker alone, for a look
 *   --profile       where Sluice's event loop spends its time, for the chosen workloads
 *   --list          the names of all figures
 *
 * Prints for each figure the two medians, their ratio and the target. What has three rounds or more of the full scale goes
 * into docs/benchmarks.json in the place of what was there of the same figures, and docs/benchmarks.md
 * and the figures in the README are made of that.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BrokerPool } from './broker-pool.ts'
import { chosen, targetsOf, WORKLOADS } from './figures.ts'
import { replaceSection } from './flat-report.ts'
import { fetchKafka } from './kafka.ts'
import { page } from './page.ts'
import { type BrokerKind, root } from './processes.ts'
import { profileOf, type Share } from './profile.ts'
import { readmeTable } from './readme.ts'
import { isReached, picture, rowsOf, table } from './report.ts'
import { merged, Rounds, readResults, writeResults } from './results.ts'
import { FULL, QUICK } from './scale.ts'
import { figureName, type Workload } from './workload.ts'

const ROUNDS = 3
const PROFILED_FUNCTIONS = 8
const RESULTS = join(root, 'docs/benchmarks.json')

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    kind: { type: 'string' },
    profile: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
})
const scale = options.quick ? QUICK : FULL
const rounds = Number(options.rounds ?? (options.quick ? 1 : ROUNDS))
const kinds: readonly BrokerKind[] = options.kind === undefined ? ['sluice', 'kafka'] : [kindOf(options.kind)]
const targets = targetsOf(WORKLOADS)
const workloads = chosen(WORKLOADS, options.only)

if (options.list) {
  for (const name of targets.keys()) console.log(name)
} else if (workloads.length === 0) {
  console.error(`No figure has ${options.only} in its name; --list has them all.`)
  process.exitCode = 1
} else {
  // What is measured is what is checked out.
  execFileSync('npm', ['run', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
  if (options.profile)
    for (const workload of workloads) print(workload, await profileOf(workload, scale, PROFILED_FUNCTIONS))
  else await compare()
}

function kindOf(text: string): BrokerKind {
  if (text !== 'sluice' && text !== 'kafka') throw new Error(`--kind is sluice or kafka, not ${text}`)
  return text
}

async function compare(): Promise<void> {
  await fetchKafka()
  const measured = new Rounds(new Date().toISOString().slice(0, 10))
  const brokers = new BrokerPool(scale)
  try {
    for (let round = 0; round < rounds; round++) {
      for (const workload of workloads) {
        if (workload.once && round > 0) continue
        for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
          await measure(workload, kind, brokers, measured, `round ${round + 1} of ${rounds}`)
        }
      }
    }
  } finally {
    await brokers.close()
  }
  if (kinds.length < 2) return
  const results = measured.results()
  const rows = rowsOf(results, targets)
  console.log(table(rows))
  if (options.quick || rounds < ROUNDS) return
  const missed = workloads.filter((workload) =>
    rows.some((row) => row.name.startsWith(`${workload.name}: `) && isReached(row) === false),
  )
  const profiles = new Map<string, readonly Share[]>()
  for (const workload of missed)
    profiles.set(workload.name, await profileOf(workload, scale, PROFILED_FUNCTIONS))
  for (const [name, shares] of profiles) console.log(`${name}\n${shares.map(shareLine).join('\n')}`)
  const all = merged(readResults(RESULTS), results, [...targets.keys()])
  writeResults(RESULTS, all)
  const allRows = rowsOf(all, targets)
  writeFileSync(join(root, 'docs/benchmarks.svg'), picture(allRows))
  writeFileSync(join(root, 'docs/benchmarks.md'), page(allRows, scale))
  const readme = join(root, 'README.md')
  writeFileSync(readme, replaceSection(readFileSync(readme, 'utf8'), 'figures', readmeTable(allRows)))
}

async function measure(
  workload: Workload,
  kind: BrokerKind,
  brokers: BrokerPool,
  measured: Rounds,
  round: string,
) {
  const begin = performance.now()
  const values = await workload.measure(brokers, kind)
  const seconds = ((performance.now() - begin) / 1000).toFixed(0)
  const text = Object.entries(values).map(([figure, value]) => `${figure} ${value.toPrecision(4)}`)
  console.error(`${round}, ${seconds} s, ${kind}: ${workload.name}: ${text.join(', ')}`)
  for (const [figure, value] of Object.entries(values))
    measured.add(kind, figureName(workload, figure), value)
}

function print(workload: Workload, shares: readonly Share[]): void {
  console.log(`${workload.name}\n${shares.map(shareLine).join('\n')}`)
}

function shareLine({ where, share }: Share): string {
  return `${(share * 100).toFixed(1).padStart(6)} %  ${where}`
}
