/** The wait of acks=all for the replicas in sync: Kafka's `DelayedProduce`. */
import type { Clock } from '../../base/clock.ts'
import type { HostedPartition, PartitionWatcher } from './hosted-partition.ts'

export interface ReplicatedAppend {
  readonly partition: HostedPartition
  readonly lastOffset: number
}

/**
 * Resolves when every append is settled (replicated, or failed for good: ask `replicationError`) or `timeoutMs` have
 * passed; undefined where all of them are settled now.
 */
export function waitForReplication(
  appends: readonly ReplicatedAppend[],
  timeoutMs: number,
  clock: Clock,
): Promise<void> | undefined {
  const isSettled = ({ partition, lastOffset }: ReplicatedAppend) => partition.isSettled(lastOffset)
  if (appends.every(isSettled)) return undefined
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel()
      for (const { partition } of appends) partition.unwatch(watcher)
      resolve()
    }
    const check = () => {
      if (appends.every(isSettled)) end()
    }
    const watcher: PartitionWatcher = { readable: check, changed: check }
    const timer = clock.setTimer(timeoutMs, end)
    for (const { partition } of appends) partition.watch(watcher)
  })
}
