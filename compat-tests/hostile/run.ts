/**
 * One attack after the other on a running broker, while a client that behaves well wants its answers.
 *
 *   node compat-tests/hostile/run.ts [--seconds N] [--seed S] [--only TEXT] [--short] [--count FILE]
 *                                    [--broker HOST:PORT [--pid PID] [--http PORT]]
 *
 * Without `--broker` one is started, and stopped. `--short` is what continuous integration has time for: a tenth of the
 * connections and topics, and not every attack. What an attack must not do is said in `trial.ts`.
 */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { parseArgs } from 'node:util'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { BrokerProcess } from '../support/broker-process.ts'
import { makeDataDirectory, removeDataDirectory } from '../support/data-directory.ts'
import { attacks } from './attacks.ts'
import { WellBehaved } from './observer.ts'
import { type Target, Trial, type Verdict } from './trial.ts'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
    short: { type: 'boolean', default: false },
    count: { type: 'string' },
    broker: { type: 'string' },
    pid: { type: 'string' },
    http: { type: 'string' },
  },
})
const seed = Number(options.seed ?? Date.now() % 1_000_000)
const seconds = Number(options.seconds ?? (options.short ? 0.6 : 10))
const random = new SeededRandom(seed)

async function freePort(): Promise<number> {
  const server = createServer()
  const { promise, resolve } = Promise.withResolvers<void>()
  server.listen(0, '127.0.0.1', resolve)
  await promise
  const address = server.address()
  await new Promise((done) => server.close(done))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function startBroker(dir: string): Promise<{ broker: BrokerProcess; target: Target }> {
  const httpPort = await freePort()
  const broker = await BrokerProcess.start({
    dir,
    config: {
      'sluice.http.listener': `127.0.0.1:${httpPort}`,
      'group.min.session.timeout.ms': 100,
      // A length in the place of a session timeout may be a right one, whose member is kept for as long.
      'group.max.session.timeout.ms': 15_000,
      'group.consumer.min.session.timeout.ms': 1000,
      'group.consumer.session.timeout.ms': 1000,
      'group.consumer.min.heartbeat.interval.ms': 100,
      'group.consumer.heartbeat.interval.ms': 300,
      'log.segment.delete.delay.ms': 100,
    },
  })
  return {
    broker,
    target: { host: '127.0.0.1', port: broker.port, pid: broker.pid, httpPort, log: broker.log },
  }
}

function runningBroker(address: string): Target {
  const [host = '127.0.0.1', port = '9092'] = address.split(':')
  return {
    host,
    port: Number(port),
    ...(options.pid !== undefined && { pid: Number(options.pid) }),
    ...(options.http !== undefined && { httpPort: Number(options.http) }),
  }
}

const HEADINGS = ['attack', 'p99', 'bound', 'memory', 'freed', '']
const WIDTHS = [42, 9, 9, 9, 7, 0]

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(WIDTHS[0]!) : cell.padStart(WIDTHS[index]!)))
    .join(' ')
}

function rowOf(name: string, verdict: Verdict): string {
  const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`
  return row([
    name,
    ms(verdict.p99Ms),
    ms(verdict.boundMs),
    verdict.peakBytes === undefined ? '-' : `${Math.round(verdict.peakBytes / 2 ** 20)} MB`,
    verdict.freed === undefined ? '-' : verdict.freed ? 'yes' : 'no',
    verdict.faults.length === 0 ? 'passed' : `FAILED: ${verdict.faults.join('; ')}`,
  ])
}

async function run(target: Target): Promise<{ passed: number; failed: number }> {
  let failed = 0
  let passed = 0
  const client = await WellBehaved.start(target.host, target.port)
  try {
    const trial = new Trial({
      target,
      client,
      random,
      scale: options.short ? 0.1 : 1,
      seconds,
      isShort: options.short,
    })
    process.stdout.write(`${row(HEADINGS)}\n`)
    for (const attack of attacks) {
      if (!attack.name.includes(options.only) || (options.short && attack.takesTime)) continue
      const verdict = await trial.of(attack)
      process.stdout.write(`${rowOf(attack.name, verdict)}\n`)
      if (verdict.faults.length === 0) passed++
      else failed++
    }
  } finally {
    client.stop()
  }
  return { passed, failed }
}

process.stdout.write(`--seed ${seed} --seconds ${seconds}${options.short ? ' --short' : ''}\n`)
const dir = options.broker === undefined ? makeDataDirectory('hostile') : undefined
let own: BrokerProcess | undefined
let passed = 0
let failed = 0
try {
  if (dir === undefined) ({ passed, failed } = await run(runningBroker(options.broker!)))
  else {
    const { broker, target } = await startBroker(dir)
    own = broker
    ;({ passed, failed } = await run(target))
    const { code } = await broker.stop()
    if (code !== 0) {
      process.stdout.write(`the broker ended with ${code}\n`)
      failed++
    }
  }
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.stack : error}\n${own?.stderr ?? ''}\n`)
  failed++
} finally {
  await own?.kill()
  if (dir !== undefined) removeDataDirectory(dir)
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
if (options.count !== undefined) writeFileSync(options.count, `${passed} ${failed}\n`)
process.exit(failed === 0 ? 0 : 1)
