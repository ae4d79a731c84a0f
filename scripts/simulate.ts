/**
 * `npm run simulate [-- --seeds N] [--from S] [--count FILE]`: runs the simulation of the whole broker for N seeds from S
 * on. `npm run simulate -- --seed S` runs one and prints all that happened. The exit code is 1 when a promise was broken.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { replayCommand, simulate } from '../src/testing/simulation/simulation.ts'

const DEFAULT_SEEDS = 2000
const PROGRESS_EVERY = 200

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: String(DEFAULT_SEEDS) },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    count: { type: 'string' },
  },
})

function whole(text: string, option: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new RangeError(`--${option} takes a whole number, not ${text}`)
}

async function runOne(seed: number): Promise<boolean> {
  const outcome = await simulate(seed, { keepsWholeTrace: true })
  for (const line of outcome.trace) console.log(line)
  console.log(`seed ${seed}: ${outcome.violation ?? 'every promise was kept'} (${outcome.hash})`)
  return outcome.violation === undefined
}

async function runMany(from: number, seeds: number): Promise<boolean> {
  const startedMs = performance.now()
  const counts = new Map<string, number>()
  let failed = 0
  for (let seed = from; seed < from + seeds; seed++) {
    const outcome = await simulate(seed)
    for (const [what, times] of outcome.counts) counts.set(what, (counts.get(what) ?? 0) + times)
    if (outcome.violation !== undefined) {
      failed++
      for (const line of outcome.trace) console.log(line)
      console.log(`seed ${seed}: ${outcome.violation}\nreplay with: ${replayCommand(seed)}\n`)
    }
    const done = seed - from + 1
    if (done % PROGRESS_EVERY === 0) console.log(`${done} of ${seeds} seeds, ${failed} failed`)
  }
  for (const [what, times] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(`${String(times).padStart(9)}  ${what}`)
  }
  const seconds = (performance.now() - startedMs) / 1000
  console.log(`${seeds - failed} passed, ${failed} failed, in ${seconds.toFixed(1)} s`)
  if (values.count !== undefined) writeFileSync(values.count, `${seeds - failed} ${failed}\n`)
  return failed === 0
}

const isKept =
  values.seed === undefined
    ? await runMany(whole(values.from, 'from'), whole(values.seeds, 'seeds'))
    : await runOne(whole(values.seed, 'seed'))
process.exitCode = isKept ? 0 : 1
