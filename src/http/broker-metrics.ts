/** What the parts of a broker say about themselves, read when the metrics are. */
import type { MetadataStore } from '../cluster/metadata/store.ts'
import type { PartitionHost } from '../cluster/replicas/partition-host.ts'
import type { GroupMachine } from '../groups/group-machine.ts'
import type { LogCleaner } from '../logstore/compaction/log-cleaner.ts'
import type { LogDirectories } from '../logstore/log-directories.ts'
import type { ClientTelemetry } from '../telemetry/client-telemetry.ts'
import type { TransactionMachine } from '../transactions/transaction-machine.ts'
import type { ReadableMetrics } from './prometheus.ts'

export interface BrokerParts {
  readonly metadata: MetadataStore
  readonly partitions: PartitionHost
  readonly logs: LogDirectories
  /** Those of the partitions of `__consumer_offsets` that are served now. */
  readonly groupMachines: () => readonly GroupMachine[]
  /** Those of the partitions of `__transaction_state` that are served now. */
  readonly transactionMachines: () => readonly TransactionMachine[]
  readonly fetchSessions: { readonly size: number }
  readonly cleaner: LogCleaner
  readonly telemetry: ClientTelemetry
}

export function sampleBroker(metrics: ReadableMetrics, parts: BrokerParts): void {
  const { metadata, partitions, logs, groupMachines, fetchSessions, cleaner, telemetry } = parts
  const one = (value: number) => [{ labels: {}, value }]
  metrics.sample('sluice_topics', () => one(metadata.image().topics.size))
  metrics.sample('sluice_partitions', () => {
    let led = partitions.unopenedCount
    for (const partition of partitions.all()) if (partition.isLeader) led++
    return one(led)
  })
  metrics.sample('sluice_log_bytes', () => {
    let bytes = 0
    for (const log of logs.logs()) bytes += log.size
    return one(bytes)
  })
  metrics.sample('sluice_log_directories_offline', () => one(logs.offlineCount))
  metrics.sample('sluice_tail_cache_bytes', () => one(logs.tailCacheBudget.bytes))
  metrics.sample('sluice_open_files', () => one(logs.openFileCount))
  metrics.sample('sluice_cleaner_max_dirty_ratio', () => one(cleaner.status().maxDirtyRatio))
  metrics.sample('sluice_cleaner_last_run_time_seconds', () => one(cleaner.status().lastRunMs / 1000))
  metrics.sample('sluice_cleaner_uncleanable_partitions', () => one(cleaner.status().uncleanablePartitions))
  metrics.sample('sluice_cleaner_uncleanable_bytes', () => one(cleaner.status().uncleanableBytes))
  metrics.sample('sluice_cleaner_bytes_total', () => {
    const { bytesRead, bytesWritten } = cleaner.status()
    return [
      { labels: { direction: 'read' }, value: bytesRead },
      { labels: { direction: 'written' }, value: bytesWritten },
    ]
  })
  metrics.sample('sluice_cleanings_total', () =>
    Object.entries(cleaner.status().cleanings).map(([outcome, value]) => ({ labels: { outcome }, value })),
  )
  metrics.sample('sluice_fetch_sessions', () => one(fetchSessions.size))
  metrics.sample('sluice_group_members', () => {
    let members = 0
    for (const { memberCount } of groupMachines()) members += memberCount
    return one(members)
  })
  metrics.sample('sluice_group_rebalances_total', () => {
    const totals = { classic: 0, consumer: 0 }
    for (const { counts } of groupMachines()) {
      totals.classic += counts.completedRebalances
      totals.consumer += counts.consumerRebalances
    }
    return Object.entries(totals).map(([type, value]) => ({ labels: { type }, value }))
  })
  metrics.sample('sluice_telemetry_clients', () => one(telemetry.clientCount))
  metrics.sample('sluice_telemetry_series', () => one(telemetry.metrics.seriesCount))
  metrics.sample('sluice_telemetry_dropped_total', () => one(telemetry.metrics.droppedCount))
  metrics.append(() => telemetry.metrics.text())
  metrics.sample('sluice_transactional_ids', () => {
    const states = new Map<string, number>()
    for (const machine of parts.transactionMachines()) {
      for (const { state } of machine.transactions.values()) states.set(state, (states.get(state) ?? 0) + 1)
    }
    return Array.from(states, ([state, value]) => ({ labels: { state }, value }))
  })
  metrics.sample('sluice_groups', () => {
    const samples = new Map<string, { labels: { type: string; state: string }; value: number }>()
    for (const machine of groupMachines()) {
      for (const [type, states] of Object.entries(machine.groupsByType)) {
        for (const [state, groups] of Object.entries<number>(states)) {
          const key = `${type} ${state}`
          const sample = samples.get(key) ?? { labels: { type, state }, value: 0 }
          samples.set(key, sample)
          sample.value += groups
        }
      }
    }
    return [...samples.values()]
  })
}
