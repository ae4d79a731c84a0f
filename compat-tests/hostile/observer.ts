/** Looks at the broker from outside: the well-behaved client, the process's memory and files, its metrics. */
import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Latencies } from './well-behaved.ts'

/** Between two rounds of the client. */
const REST_MS = 4
const program = fileURLToPath(new URL('well-behaved.ts', import.meta.url))

export class WellBehaved {
  readonly #child: ChildProcess
  #answer = Promise.withResolvers<Latencies>()
  #fault: string | undefined

  private constructor(host: string, port: number, restMs: number) {
    this.#child = fork(program, [host, String(port), String(restMs)])
    this.#child.on('message', (message: 'ready' | Latencies) => {
      const latencies = message === 'ready' ? { ms: [], produceMs: [], fetchMs: [] } : message
      this.#fault ??= latencies.fault
      this.#answer.resolve(latencies)
    })
    this.#child.on('exit', () => this.#answer.reject(new Error('the well-behaved client has ended')))
  }

  /** @param restMs after each round of three requests */
  static async start(host: string, port: number, restMs = REST_MS): Promise<WellBehaved> {
    const client = new WellBehaved(host, port, restMs)
    const { fault } = await client.#answer.promise
    if (fault !== undefined) throw new Error(fault)
    return client
  }

  /** The latencies since the last call, in milliseconds, ascending. Rejects where the broker failed the client. */
  async latencies(): Promise<number[]> {
    const { ms } = await this.round()
    return [...ms].sort((a, b) => a - b)
  }

  /** The same, as they came and by what was asked. */
  async round(): Promise<Latencies> {
    if (this.#fault !== undefined) throw new Error(`the well-behaved client: ${this.#fault}`)
    this.#answer = Promise.withResolvers()
    this.#child.send('round')
    const latencies = await this.#answer.promise
    if (latencies.fault !== undefined) throw new Error(`the well-behaved client: ${latencies.fault}`)
    return latencies
  }

  stop(): void {
    this.#child.removeAllListeners('exit')
    this.#child.kill()
  }
}

/** That of sorted values which `share` of them don't exceed. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.POSITIVE_INFINITY
}

/** Resident memory of a process, in bytes; undefined where the system does not say. */
export function residentBytes(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
  } catch {
    return undefined
  }
}

export function openFiles(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return undefined
  }
}

/** Sums over the labels of each metric. */
export async function readMetrics(httpPort: number): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()
  const sums = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line)
    if (match !== null) sums.set(match[1]!, (sums.get(match[1]!) ?? 0) + Number(match[2]))
  }
  return sums
}
