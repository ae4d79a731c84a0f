/**
 * From spawning a broker to a Metadata that names a leader and a Produce that is acknowledged, as a client sees it.
 * As a program: `node bench/start-time.ts [STARTS]` prints the median on fresh data, after a kill and after a clean stop.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type BrokerKind,
  type BrokerProcess,
  freePort,
  pause,
  residentBytes,
  type SpawnOptions,
  spawnBroker,
  untilAccepting,
} from './processes.ts'
import { RawClient, recordBatch } from './raw-client.ts'
import { median } from './results.ts'

const TOPIC = 'start'
const START_TIMEOUT_MS = 300_000

export interface StartTimes {
  /** Milliseconds of every start, in order. */
  readonly fresh: readonly number[]
  readonly afterKill: readonly number[]
  readonly afterStop: readonly number[]
}

/** Starts a broker and waits until it has acknowledged a batch. */
export async function startedBroker(
  kind: BrokerKind,
  dir: string,
  options: SpawnOptions = {},
): Promise<{ readonly broker: BrokerProcess; readonly startMs: number }> {
  const port = await freePort()
  const batch = recordBatch(1, 100, Date.now())
  const broker = await spawnBroker(kind, port, dir, options)
  try {
    await untilAccepting(port, START_TIMEOUT_MS)
    await firstAnswers(port, batch)
    return { broker, startMs: performance.now() - broker.spawnedMs }
  } catch (error) {
    await broker.stop('SIGKILL')
    throw error
  }
}

async function firstAnswers(port: number, batch: Buffer): Promise<void> {
  const client = await RawClient.connect(port)
  const deadlineMs = performance.now() + START_TIMEOUT_MS
  try {
    while ((await client.leaderOf(TOPIC)) === undefined || (await client.produce(TOPIC, batch)) < 0) {
      if (performance.now() > deadlineMs) throw new Error('no leader, or nothing acknowledged')
      await pause(1)
    }
  } finally {
    client.close()
  }
}

/** `starts` of each kind, in turns. */
export async function measureStarts(kind: BrokerKind, starts: number): Promise<StartTimes> {
  const times = { fresh: [] as number[], afterKill: [] as number[], afterStop: [] as number[] }
  for (let round = 0; round < starts; round++) {
    const dir = mkdtempSync(join(tmpdir(), 'bench-start-'))
    try {
      times.fresh.push(await oneStart(kind, join(dir, 'data'), 'SIGKILL'))
      times.afterKill.push(await oneStart(kind, join(dir, 'data'), 'SIGTERM'))
      times.afterStop.push(await oneStart(kind, join(dir, 'data'), 'SIGKILL'))
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  }
  return times
}

async function oneStart(kind: BrokerKind, dir: string, end: 'SIGTERM' | 'SIGKILL'): Promise<number> {
  const { broker, startMs } = await startedBroker(kind, dir)
  await broker.stop(end)
  return startMs
}

/** One start on fresh data, in milliseconds. */
export async function measureStart(kind: BrokerKind): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-start-'))
  try {
    return await oneStart(kind, join(dir, 'data'), 'SIGKILL')
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Resident bytes of a broker that nobody has asked anything for `idleMs`. */
export async function measureIdle(kind: BrokerKind, idleMs: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'bench-idle-'))
  try {
    const { broker } = await startedBroker(kind, join(dir, 'data'))
    try {
      await pause(idleMs)
      return residentBytes(broker.pid).now
    } finally {
      await broker.stop('SIGKILL')
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const times = await measureStarts('sluice', Number(process.argv[2] ?? 15))
  for (const [name, values] of Object.entries(times)) {
    const sorted = [...values].sort((a, b) => a - b).map((value) => Math.round(value))
    console.log(`${name.padEnd(10)} median ${Math.round(median(values))} ms  (${sorted.join(' ')})`)
  }
  console.log(`idle       ${Math.round((await measureIdle('sluice', 10_000)) / 1e6)} MB`)
}
