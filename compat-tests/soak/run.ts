/**
 * Mixed load on one broker for a long time, while retention and compaction are at work, and whether it stays what it is:
 * `npm run soak [-- --minutes N --seed S --short --json FILE --write --count FILE]`. Needs Linux, for /proc.
 *
 * After 22 minutes (or N) memory, descriptors, disk and latency of the last quarter are compared with the second
 * (`judge.ts`); every record that was acknowledged has been read in its place; and what the load took has been given
 * back. `--write` puts table and picture into docs/performance.md. `--short` is what continuous integration has time
 * for: 40 seconds of load, and no comparison of quarters.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { replaceSection } from '../../bench/flat-report.ts'
import { freePort, root } from '../../bench/processes.ts'
import { TransactionalClient } from '../../src/testing/transactional-client.ts'
import { WellBehaved } from '../hostile/observer.ts'
import { BrokerProcess } from '../support/broker-process.ts'
import { makeDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { soakChart } from './chart.ts'
import { stillHeld } from './given-back.ts'
import { judge, judgementTable, MOST_RESIDENT_BYTES } from './judge.ts'
import { MixedLoad } from './load/mixed.ts'
import { type Sample, Sampler } from './sampler.ts'

const SHORT_MINUTES = 2 / 3
const PROBE_REST_MS = 40
const SHOWN = 5
const SHORT_EVERY_MS = 2000
const EVERY_MS = 5000
const MB = 2 ** 20

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    short: { type: 'boolean', default: false },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    count: { type: 'string' },
  },
})
const minutes = Number(options.minutes ?? (options.short ? SHORT_MINUTES : 22))
const seed = Number(options.seed)
if (!(minutes > 0) || !Number.isInteger(seed)) {
  process.stderr.write(
    'usage: npm run soak [-- --minutes N --seed S --short --json FILE --write --count FILE]\n',
  )
  process.exit(2)
}

/** Everything that a broker forgets some time is forgotten after a minute at most, so that the load reaches its level. */
const config = {
  'log.segment.bytes': MB,
  'log.retention.bytes': 16 * MB,
  'log.retention.check.interval.ms': 1000,
  'log.segment.delete.delay.ms': 1000,
  'log.cleaner.backoff.ms': 1000,
  'log.flush.interval.ms': 5000,
  'sluice.tail.cache.bytes': 8 * MB,
  'max.incremental.fetch.session.cache.slots': 50,
  'offsets.topic.num.partitions': 4,
  'offsets.topic.segment.bytes': MB,
  'offsets.retention.minutes': 1,
  'offsets.retention.check.interval.ms': 5000,
  'transaction.state.log.num.partitions': 4,
  'transaction.state.log.segment.bytes': MB,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500,
  'transaction.remove.expired.transaction.cleanup.interval.ms': 5000,
  'transactional.id.expiration.ms': 60_000,
  'producer.id.expiration.ms': 60_000,
  'producer.id.expiration.check.interval.ms': 5000,
  'group.consumer.min.session.timeout.ms': 3000,
  'group.consumer.session.timeout.ms': 10_000,
  'group.consumer.min.heartbeat.interval.ms': 300,
  'group.consumer.heartbeat.interval.ms': 400,
}

const print = (line: string) => process.stdout.write(`${line}\n`)
let passed = 0
let failed = 0

function checked(what: string, wrong: readonly string[]): void {
  if (wrong.length === 0) passed++
  else failed++
  for (const line of wrong.slice(0, SHOWN)) print(`FAIL ${what}: ${line}`)
  if (wrong.length > SHOWN) print(`FAIL ${what}: and ${wrong.length - SHOWN} more`)
}

function progress(sample: Sample, load: MixedLoad): string {
  const { residentBytes, heapUsedBytes, descriptors, connections, diskBytes, produceP99Ms, cores } = sample
  return [
    `${sample.seconds.toFixed(0).padStart(5)} s`,
    `${(residentBytes / MB).toFixed(0)} MB resident`,
    `${(heapUsedBytes / MB).toFixed(0)} MB heap`,
    `${descriptors} descriptors`,
    `${connections} connections`,
    `${(diskBytes / MB).toFixed(0)} MB on disk`,
    `Produce p99 ${produceP99Ms.toFixed(0)} ms`,
    `${(cores * 100).toFixed(0)} % of a core`,
    `${load.matched} records`,
  ].join(', ')
}

async function soak(broker: BrokerProcess, dir: string, httpPort: number): Promise<void> {
  const place = { host: '127.0.0.1', port: broker.port }
  const probe = await WellBehaved.start(place.host, place.port, PROBE_REST_MS)
  try {
    const load = new MixedLoad(place, seed)
    // It makes the internal topics.
    await (await TransactionalClient.connect(place.host, place.port)).close()
    const everyMs = options.short ? SHORT_EVERY_MS : EVERY_MS
    const onSample = (sample: Sample) => print(progress(sample, load))
    const sampler = new Sampler({ broker, httpPort, dir, probe, everyMs, onSample })
    // The watch has said something by then.
    await delay(everyMs)
    const before = await sampler.sample()
    await load.start()
    sampler.start()
    const endsMs = performance.now() + minutes * 60_000
    while (performance.now() < endsMs && load.faults.length === 0) await delay(250)
    await sampler.stop()
    print('the load ends')
    for (const [what, wrong] of await load.stop()) checked(what, wrong)
    await load.cleanUp()
    checked('what was taken is given back', await stillHeld(before, () => sampler.sample()))
    print(`${load.matched} records acknowledged and read, ${load.removed} removed before they were read`)
    print(JSON.stringify(Object.fromEntries(load.steps)))
    if (!options.short) report(sampler.samples, load)
    const peak = Math.max(...sampler.samples.map(({ residentBytes }) => residentBytes))
    const tooMuch = `${Math.round(peak / MB)} MB of ${MOST_RESIDENT_BYTES / MB}`
    checked('memory stays under its bound', peak <= MOST_RESIDENT_BYTES ? [] : [tooMuch])
  } finally {
    probe.stop()
  }
}

function report(samples: readonly Sample[], load: MixedLoad): void {
  const judgements = judge(samples)
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ minutes, seed, judgements, samples })}\n`)
  print(judgementTable(judgements))
  for (const { name, isKept, second, last } of judgements)
    checked(`${name} is flat`, isKept ? [] : [`${last} in the last quarter, ${second} in the second`])
  if (!options.write) return
  const page = join(root, 'docs/performance.md')
  writeFileSync(join(root, 'docs/soak.svg'), soakChart(samples))
  const when = new Date().toISOString().slice(0, 10)
  const cores = samples.reduce((sum, sample) => sum + sample.cores, 0) / samples.length
  const text = `On ${when}, ${cpus().length} cores, ${minutes} minutes, \`--seed ${seed}\`: ${load.matched.toLocaleString('en')} records were acknowledged and read again in their places, ${load.removed.toLocaleString('en')} were removed by retention before they were read; the broker took ${(cores * 100).toFixed(0)} % of a core.`
  const section = `${text}\n\n${judgementTable(judgements)}\n\n![Over time](soak.svg)`
  writeFileSync(page, replaceSection(readFileSync(page, 'utf8'), 'soak', section))
}

print(`--minutes ${minutes.toFixed(2)} --seed ${seed}`)
const dir = makeDataDirectory('soak')
const httpPort = await freePort()
let broker: BrokerProcess | undefined
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    void broker?.kill()
    removeDataDirectory(dir)
    process.exit(1)
  })
try {
  broker = await BrokerProcess.start({
    dir,
    config: { ...config, 'sluice.http.listener': `127.0.0.1:${httpPort}` },
    preload: fileURLToPath(new URL('preload.ts', import.meta.url)),
  })
  await soak(broker, dir, httpPort)
  const { code } = await broker.stop()
  checked('a clean stop', code === 0 ? [] : [`exit code ${code}`])
} catch (error) {
  checked('the run', [error instanceof Error ? error.stack! : String(error)])
} finally {
  await broker?.kill()
  removeDataDirectory(dir)
}
const errors = (broker?.log ?? []).filter(({ level }) => level === 'error')
checked(
  'the broker logs no error',
  errors.map((line) => JSON.stringify(line)),
)
print(`${passed} passed, ${failed} failed`)
if (options.count !== undefined) writeFileSync(options.count, `${passed} ${failed}\n`)
process.exit(failed === 0 ? 0 : 1)
