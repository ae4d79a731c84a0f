/**
 * Notes what Apache Kafka answers to every scenario, for differential.test.ts to hold Sluice against:
 * `node compat-tests/differential/record.ts [SCENARIO...]`. Needs Maven and Java; see compat-tests/java/real-kafka.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { api } from './apis.ts'
import { BROKER_CONFIG, type Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import { Session } from './session.ts'
import { writeTranscript } from './transcript.ts'

type Judge = NonNullable<Scenario['judge']> | 'today'

const HOST = '127.0.0.1'
const START_WITHIN_MS = 120_000

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port })
    const end = (reached: boolean) => () => {
      socket.destroy()
      resolve(reached)
    }
    socket.once('connect', end(true))
    socket.once('error', end(false))
  })
}

/** Plays the scenarios to one Kafka, which is started for them. */
async function record(judge: Judge, asked: readonly Scenario[]): Promise<void> {
  const port = await freePort()
  const directory = mkdtempSync(join(tmpdir(), 'differential-'))
  const script = fileURLToPath(new URL('../java/real-kafka', import.meta.url))
  const kafka = spawn(
    script,
    [
      ...(judge === 'today' ? [] : ['--version', judge]),
      'run',
      String(port),
      join(directory, 'data'),
      ...Object.entries(BROKER_CONFIG).map((pair) => pair.join('=')),
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const exited = new Promise<void>((resolve) => kafka.once('exit', () => resolve()))
  try {
    const deadline = Date.now() + START_WITHIN_MS
    while (!(await accepts(port))) {
      if (kafka.exitCode !== null || Date.now() > deadline) throw new Error('Apache Kafka does not start')
      await sleep(100)
    }
    const first = await Session.connect(HOST, port)
    await first.until(api.metadata, 12, { topics: [] }, ({ brokers }) => brokers.length === 1)
    await first.groupIsServed('any')
    await first.until(
      api.initProducerId,
      4,
      { transactionalId: null, transactionTimeoutMs: 1000 },
      ({ errorCode }) => errorCode === 0,
    )
    await first.close()
    for (const scenario of asked) await play(scenario, port)
  } finally {
    kafka.kill('SIGKILL')
    await exited
    rmSync(directory, { recursive: true, force: true })
  }
}

async function play(scenario: Scenario, port: number): Promise<void> {
  const session = await Session.connect(HOST, port)
  const startedMs = Date.now()
  try {
    await scenario.run(session)
  } finally {
    await session.close()
  }
  const file = new URL(`fixtures/${scenario.name}.json`, import.meta.url)
  writeFileSync(file, writeTranscript(session.transcript))
  process.stdout.write(`${scenario.name}: ${session.transcript.size} steps in ${Date.now() - startedMs} ms\n`)
}

const wanted = new Set(process.argv.slice(2))
const asked = scenarios.filter(({ name }) => wanted.size === 0 || wanted.has(name))
for (const [judge, group] of Map.groupBy(asked, (scenario): Judge => scenario.judge ?? 'today')) {
  await record(judge, group)
}
