/**
 * One attack, and what it may not do:
 *
 * - keep the well-behaved client waiting: 99 of 100 answers come within 100 ms, or within three times what 99 of 100
 *   took in the seconds before the attack;
 * - take more memory than `MEMORY_BYTES`;
 * - leave something behind: connections, bytes in flight, timers, files, members of groups;
 * - make the broker log an error, which is a fault of its own.
 *
 * An attack that seems to is repeated, since others may use the machine: twice more with a short run's small samples.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { SeededRandom } from '../../src/testing/seeded-random.ts'
import type { LogLine } from '../support/broker-process.ts'
import { type Attack, AttackContext } from './attack.ts'
import { openFiles, quantile, readMetrics, residentBytes, type WellBehaved } from './observer.ts'

export interface Target {
  readonly host: string
  readonly port: number
  /** Of a broker on this machine. */
  readonly pid?: number
  /** Where it serves metrics. */
  readonly httpPort?: number
  /** What it logs, where it is known. */
  readonly log?: LogLine[]
}

export interface Verdict {
  readonly p99Ms: number
  readonly boundMs: number
  readonly peakBytes: number | undefined
  readonly freed: boolean | undefined
  /** Empty where the attack did nothing. */
  readonly faults: readonly string[]
}

export interface TrialOptions {
  readonly target: Target
  readonly client: WellBehaved
  readonly random: SeededRandom
  readonly scale: number
  readonly seconds: number
  readonly isShort: boolean
}

/**
 * What the broker may take at most, whatever is done to it, one attack after the other: twice its budgets for requests
 * (128 MB) and for answers (256 MB), the unpacked records of one batch (256 MB), the tail cache (64 MB), and the heap.
 */
const MEMORY_BYTES = 1536 * 2 ** 20
const BOUND_MS = 100
const FACTOR = 3
const ATTEMPTS = 3
/** Files and timers that come and go by themselves: a segment that rolls, a timer that is due. */
const SLACK = 12
const FREED_WITHIN_MS = 20_000
const SAMPLE_MS = 50
const MAX_SESSIONS = 1000
/** A short run's 99th percentile is one of its few worst samples. */
const SHORT_MARGIN = 3

interface Holdings {
  readonly files: number | undefined
  readonly metrics: ReadonlyMap<string, number>
}

export class Trial {
  readonly #options: TrialOptions

  constructor(options: TrialOptions) {
    this.#options = options
  }

  async of(attack: Attack): Promise<Verdict> {
    for (let left = ATTEMPTS - 1; ; left--) {
      const verdict = await this.#once(attack)
      if (verdict.faults.length === 0 || left === 0) return verdict
    }
  }

  async #once(attack: Attack): Promise<Verdict> {
    const { target, client, random, scale, seconds, isShort } = this.#options
    const context = new AttackContext({ ...target, random: random.fork(), scale, seconds })
    const memory = new PeakMemory(target.pid)
    const faults: string[] = []
    const logged = target.log?.length ?? 0
    let before: Holdings
    let boundMs: number
    let p99Ms: number
    try {
      before = await this.#holdings()
      await attack.prepare?.(context)
      await client.latencies()
      await delay(Math.min(seconds, 3) * 1000)
      const quiet = quantile(await client.latencies(), 0.99)
      boundMs = Math.max(BOUND_MS, FACTOR * quiet) * (isShort ? SHORT_MARGIN : 1)
      context.begin()
      await attack.run(context)
      p99Ms = quantile(await client.latencies(), 0.99)
      await context.cut()
      await attack.cleanUp?.(context)
    } finally {
      await context.cut()
      memory.stop()
    }
    const held = await this.#stillHeld(before)
    faults.push(...held)
    if (p99Ms > boundMs) faults.push('the well-behaved client had to wait')
    if ((memory.peak ?? 0) > MEMORY_BYTES) faults.push('too much memory')
    const errors = (target.log ?? [])
      .slice(logged)
      .filter(({ level }) => Number(level) >= 50 || level === 'error')
    for (const line of errors.slice(0, 3)) faults.push(`logged ${JSON.stringify(line).slice(0, 500)}`)
    const freed = target.pid === undefined && target.httpPort === undefined ? undefined : held.length === 0
    return { p99Ms, boundMs, peakBytes: memory.peak, freed, faults }
  }

  async #holdings(): Promise<Holdings> {
    const { pid, httpPort } = this.#options.target
    return {
      files: pid === undefined ? undefined : openFiles(pid),
      metrics: httpPort === undefined ? new Map() : await readMetrics(httpPort),
    }
  }

  /** What the broker still has that it had not before, after some time. */
  async #stillHeld(before: Holdings): Promise<string[]> {
    const deadline = performance.now() + FREED_WITHIN_MS
    for (;;) {
      const held = more(before, await this.#holdings())
      if (held.length === 0 || performance.now() > deadline) return held
      await delay(50)
    }
  }
}

function more(before: Holdings, now: Holdings): string[] {
  const held: string[] = []
  const compare = (what: string, then: number | undefined, value: number | undefined, slack = 0) => {
    if (value !== undefined && value > (then ?? 0) + slack)
      held.push(`${value} ${what} instead of ${then ?? 0}`)
  }
  const of = (name: string) => [before.metrics.get(name), now.metrics.get(name)] as const
  compare('connections', ...of('sluice_connections'))
  compare('open files of the process', before.files, now.files, SLACK)
  compare('timers', ...of('nodejs_active_timers'), SLACK)
  compare('topics', ...of('sluice_topics'), SLACK)
  compare('members', ...of('sluice_group_members'))
  compare('fetch sessions', MAX_SESSIONS, now.metrics.get('sluice_fetch_sessions'))
  compare('bytes in flight', ...of('sluice_bytes_in_flight'), 2000)
  return held
}

class PeakMemory {
  peak: number | undefined
  #isOver = false

  constructor(pid: number | undefined) {
    if (pid !== undefined) void this.#watch(pid)
  }

  stop(): void {
    this.#isOver = true
  }

  async #watch(pid: number): Promise<void> {
    while (!this.#isOver) {
      const bytes = residentBytes(pid)
      if (bytes !== undefined) this.peak = Math.max(this.peak ?? 0, bytes)
      await delay(SAMPLE_MS)
    }
  }
}
