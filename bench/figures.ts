/** All workloads in the order in which they run, and what is chosen of them. */
import { figureName, type Target, type Workload } from './workload.ts'
import { consumeWorkloads } from './workloads/consume.ts'
import { latencyWorkloads } from './workloads/latency.ts'
import { manyWorkloads } from './workloads/many.ts'
import { memoryWorkloads } from './workloads/memory.ts'
import { produceWorkloads } from './workloads/produce.ts'
import { startWorkloads } from './workloads/start.ts'

export const WORKLOADS: readonly Workload[] = [
  ...latencyWorkloads,
  ...produceWorkloads,
  ...consumeWorkloads,
  ...manyWorkloads,
  ...startWorkloads,
  ...memoryWorkloads,
]

/** The targets of all figures, by their whole names and in order. */
export function targetsOf(workloads: readonly Workload[]): ReadonlyMap<string, Target> {
  return new Map(
    workloads.flatMap((workload) =>
      Object.entries(workload.figures).map(
        ([figure, target]) => [figureName(workload, figure), target] as const,
      ),
    ),
  )
}

/** The workloads of which a figure has `only` in its whole name, in upper or lower case. */
export function chosen(workloads: readonly Workload[], only: string): readonly Workload[] {
  const wanted = only.toLowerCase()
  return workloads.filter((workload) =>
    Object.keys(workload.figures).some((figure) =>
      figureName(workload, figure).toLowerCase().includes(wanted),
    ),
  )
}
