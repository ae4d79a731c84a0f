/** Where the time of Sluice's event loop goes in a workload, by V8's profiler. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { BrokerPool } from './broker-pool.ts'
import { root } from './processes.ts'
import type { Scale } from './scale.ts'
import type { Workload } from './workload.ts'

/** What Chrome and VS Code open too; more of it than is needed here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  /** The node of each sample. */
  readonly samples: readonly number[]
  /** Microseconds from the sample before, or from the start. */
  readonly timeDeltas: readonly number[]
}

export interface Share {
  readonly where: string
  /** Of the time in which the loop was not idle, 0 to 1. */
  readonly share: number
}

const WAITING = new Set(['(idle)', '(root)'])

/** The functions that took most themselves, without what they called. */
export function topShares(profile: CpuProfile, count: number): Share[] {
  const names = new Map(
    profile.nodes.map(({ id, callFrame }) => {
      const { functionName, url, lineNumber } = callFrame
      const place = url === '' ? '' : ` (${basename(url)}:${lineNumber + 1})`
      return [id, `${functionName || 'anonymous'}${place}`] as const
    }),
  )
  const micros = new Map<string, number>()
  let busy = 0
  for (const [index, node] of profile.samples.entries()) {
    const name = names.get(node)
    if (name === undefined || WAITING.has(name)) continue
    // A sample stands for the time until the next one.
    const delta = profile.timeDeltas[index + 1] ?? 0
    micros.set(name, (micros.get(name) ?? 0) + delta)
    busy += delta
  }
  return [...micros]
    .map(([where, time]) => ({ where, share: time / busy }))
    .sort((a, b) => b.share - a.share)
    .slice(0, count)
}

/** Runs the workload once on Sluice alone; its profile stays under `bench/profiles`. */
export async function profileOf(workload: Workload, scale: Scale, count: number): Promise<Share[]> {
  const name = workload.name.replaceAll(/[^a-zA-Z0-9]+/g, '-')
  const dir = join(root, 'bench/profiles', `${name}-${process.pid}`)
  mkdirSync(dir, { recursive: true })
  const brokers = new BrokerPool(scale, { nodeArguments: ['--cpu-prof', `--cpu-prof-dir=${dir}`] })
  try {
    await workload.measure(brokers, 'sluice')
  } finally {
    await brokers.close('SIGTERM')
  }
  // Brokers of their own are killed and leave none.
  const written = readdirSync(dir)[0]
  if (written === undefined) return []
  return topShares(JSON.parse(readFileSync(join(dir, written), 'utf8')) as CpuProfile, count)
}
