/** Looks at the broker from outside, every few seconds. */
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { cpuSeconds } from '../../bench/processes.ts'
import { openFiles, quantile, readMetrics, residentBytes, type WellBehaved } from '../hostile/observer.ts'
import type { BrokerProcess, LogLine } from '../support/broker-process.ts'
import { WATCH_MESSAGE, type WatchLine } from './watch.ts'

/** One figure for each of these names, by the seconds since the load began. */
export const SERIES = [
  'residentBytes',
  'heapUsedBytes',
  'externalBytes',
  'descriptors',
  'threads',
  'connections',
  'timers',
  'fetchSessions',
  'groups',
  'members',
  'transactionalIds',
  'logBytes',
  'diskBytes',
  'cores',
  'longestWaitMs',
  'produceP50Ms',
  'produceP99Ms',
  'fetchP50Ms',
  'fetchP99Ms',
] as const
export type Series = (typeof SERIES)[number]
export type Sample = { readonly [name in Series]: number } & { readonly seconds: number }

export interface SamplerOptions {
  readonly broker: BrokerProcess
  readonly httpPort: number
  readonly dir: string
  readonly probe: WellBehaved
  readonly everyMs: number
  onSample(sample: Sample): void
}

export class Sampler {
  readonly #options: SamplerOptions
  readonly #beganMs = performance.now()
  #isOver = false
  #running: Promise<void> | undefined
  #lastCpu = { atMs: performance.now(), seconds: 0 }
  #linesRead = 0
  readonly samples: Sample[] = []

  constructor(options: SamplerOptions) {
    this.#options = options
    this.#lastCpu.seconds = cpuSeconds(options.broker.pid)
  }

  start(): void {
    this.#running = this.#run()
    // Whoever stops it learns of it.
    this.#running.catch(() => {})
  }

  /** Rejects where the broker did not answer the probe or the request for metrics. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(): Promise<void> {
    const { probe, everyMs, onSample } = this.#options
    await probe.round()
    while (!this.#isOver) {
      await delay(everyMs)
      const sample = await this.sample()
      this.samples.push(sample)
      onSample(sample)
    }
  }

  async sample(): Promise<Sample> {
    const { broker, httpPort, dir, probe } = this.#options
    const metrics = await readMetrics(httpPort)
    const { produceMs, fetchMs } = await probe.round()
    const watched = this.#watched()
    const of = (name: string) => metrics.get(name) ?? 0
    return {
      seconds: (performance.now() - this.#beganMs) / 1000,
      residentBytes: residentBytes(broker.pid) ?? 0,
      heapUsedBytes: Math.min(...watched.map(({ heapUsedBytes }) => heapUsedBytes)),
      externalBytes: Math.min(...watched.map(({ externalBytes }) => externalBytes)),
      descriptors: openFiles(broker.pid) ?? 0,
      threads: threads(broker.pid),
      connections: of('sluice_connections'),
      timers: of('nodejs_active_timers'),
      fetchSessions: of('sluice_fetch_sessions'),
      groups: of('sluice_groups'),
      members: of('sluice_group_members'),
      transactionalIds: of('sluice_transactional_ids'),
      logBytes: of('sluice_log_bytes'),
      diskBytes: bytesUnder(dir),
      cores: this.#cores(),
      longestWaitMs: Math.max(...watched.map(({ longestWaitMs }) => longestWaitMs)),
      produceP50Ms: quantileOf(produceMs, 0.5),
      produceP99Ms: quantileOf(produceMs, 0.99),
      fetchP50Ms: quantileOf(fetchMs, 0.5),
      fetchP99Ms: quantileOf(fetchMs, 0.99),
    }
  }

  /** What the broker's process has said since the last sample; its last words where it has said nothing. */
  #watched(): WatchLine[] {
    const { log } = this.#options.broker
    const all = (from: number) => log.slice(from).filter(isWatchLine)
    const lines = all(this.#linesRead)
    this.#linesRead = log.length
    return lines.length > 0 ? lines : all(0).slice(-1)
  }

  #cores(): number {
    const now = { atMs: performance.now(), seconds: cpuSeconds(this.#options.broker.pid) }
    const cores = ((now.seconds - this.#lastCpu.seconds) * 1000) / (now.atMs - this.#lastCpu.atMs)
    this.#lastCpu = now
    return cores
  }
}

function isWatchLine(line: LogLine): line is LogLine & WatchLine {
  return line.msg === WATCH_MESSAGE
}

function quantileOf(values: readonly number[], share: number): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    share,
  )
}

function threads(pid: number): number {
  return Number(/^Threads:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
}

/** What files take, by their lengths; files and folders that go meanwhile do not count. */
function bytesUnder(dir: string): number {
  let bytes = 0
  for (const entry of entriesOf(dir)) {
    const path = join(dir, entry.name)
    bytes += entry.isDirectory() ? bytesUnder(path) : (statSync(path, { throwIfNoEntry: false })?.size ?? 0)
  }
  return bytes
}

function entriesOf(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
