/** What a workload is, and what its figures are to reach. */
import type { BrokerPool } from './broker-pool.ts'
import type { BrokerKind } from './processes.ts'

/** What the ratio Sluice / Kafka is to be at least or at most; `sluiceAtMost` bounds Sluice's own figure besides. */
export interface Target {
  readonly atLeast?: number
  readonly atMost?: number
  readonly sluiceAtMost?: number
}

export interface Workload {
  readonly name: string
  /** By the name of the figure; the whole name is `${workload}: ${figure}`. */
  readonly figures: Readonly<Record<string, Target>>
  /** One round on one broker: a value for each figure. */
  measure(brokers: BrokerPool, kind: BrokerKind): Promise<Readonly<Record<string, number>>>
  /** What is worth one round only, because it takes long and hardly varies. */
  readonly once?: true
}

export function figureName(workload: Workload, figure: string): string {
  return `${workload.name}: ${figure}`
}
