/** What is counted, in one table. Names follow the conventions of Prometheus: base units, `_total` for counters. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  /** Upper ends of a histogram's buckets. */
  readonly buckets?: readonly number[]
}

export const metricTable = {
  sluice_build_info: { kind: 'gauge', help: 'Always 1; the label is the version.', labels: ['version'] },
  sluice_bounds_met_total: {
    kind: 'counter',
    help: 'Times that a bound on memory, connections or time was met, by bound and by listener or log.',
    labels: ['bound', 'at'],
  },
  sluice_connections: { kind: 'gauge', help: 'Connections that are open.', labels: ['listener'] },
  sluice_connections_opened_total: {
    kind: 'counter',
    help: 'Connections that were accepted.',
    labels: ['listener'],
  },
  sluice_bytes_in_flight: {
    kind: 'gauge',
    help: 'Bytes of requests that are read or handled, and of answers that wait for their readers.',
    labels: ['kind'],
  },
  sluice_requests_total: { kind: 'counter', help: 'Requests that were answered.', labels: ['api'] },
  sluice_requests_refused_total: {
    kind: 'counter',
    help: 'Requests that were refused by closing their connection.',
    labels: ['api'],
  },
  sluice_request_bytes_total: { kind: 'counter', help: 'Bytes of requests.', labels: ['api'] },
  sluice_answer_bytes_total: { kind: 'counter', help: 'Bytes of answers.', labels: ['api'] },
  sluice_request_duration_seconds: {
    kind: 'histogram',
    help: 'From the whole request received to its answer encoded, waits that the client asked for included.',
    labels: ['api'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
  },
  sluice_throttled_requests_total: {
    kind: 'counter',
    help: 'Requests over a quota of their client, by quota: `produce`, `fetch`, `request` (time of the event loop) or `controller_mutation` (partitions made and deleted).',
    labels: ['quota'],
  },
  sluice_throttle_seconds_total: {
    kind: 'counter',
    help: 'Time for which connections were muted for requests over a quota.',
    labels: ['quota'],
  },
  sluice_throttled_connections_total: {
    kind: 'counter',
    help: 'Connections that came too fast: over the rate of the broker or listener (`connections`) or of their address (`connections.per.ip`).',
    labels: ['rate'],
  },
  sluice_topics: { kind: 'gauge', help: 'Topics, internal ones among them.', labels: [] },
  sluice_partitions: { kind: 'gauge', help: 'Partitions that this broker leads.', labels: [] },
  sluice_log_directories_offline: {
    kind: 'gauge',
    help: 'Log directories that cannot be used; their partitions are offline.',
    labels: [],
  },
  sluice_log_bytes: { kind: 'gauge', help: 'Bytes of all logs of this broker.', labels: [] },
  sluice_tail_cache_bytes: { kind: 'gauge', help: 'Bytes of newest batches held in memory.', labels: [] },
  sluice_open_files: { kind: 'gauge', help: 'Files of logs that are open.', labels: [] },
  sluice_cleaner_max_dirty_ratio: {
    kind: 'gauge',
    help: 'Share of uncompacted bytes in the log that has most of them.',
    labels: [],
  },
  sluice_cleaner_last_run_time_seconds: {
    kind: 'gauge',
    help: 'When the cleaner looked for a log to compact last, since the Unix epoch.',
    labels: [],
  },
  sluice_cleaner_uncleanable_partitions: {
    kind: 'gauge',
    help: 'Logs that are not compacted any more because it failed; a start tries again.',
    labels: [],
  },
  sluice_cleaner_uncleanable_bytes: { kind: 'gauge', help: 'Bytes of those logs.', labels: [] },
  sluice_cleaner_bytes_total: {
    kind: 'counter',
    help: 'Bytes that the cleaner has read and written.',
    labels: ['direction'],
  },
  sluice_cleanings_total: {
    kind: 'counter',
    help: 'Logs that were compacted, or whose compaction was given up or failed.',
    labels: ['outcome'],
  },
  sluice_fetch_sessions: { kind: 'gauge', help: 'Fetch sessions that are kept.', labels: [] },
  sluice_transactional_ids: {
    kind: 'gauge',
    help: 'Transactional ids that this broker coordinates, by the state of their transaction.',
    labels: ['state'],
  },
  sluice_groups: {
    kind: 'gauge',
    help: 'Groups that this broker coordinates, by protocol and state.',
    labels: ['type', 'state'],
  },
  sluice_group_members: { kind: 'gauge', help: 'Members of those groups.', labels: [] },
  sluice_group_rebalances_total: {
    kind: 'counter',
    help: 'Completed rebalances of classic groups, new epochs of consumer groups.',
    labels: ['type'],
  },
  sluice_telemetry_clients: {
    kind: 'gauge',
    help: 'Clients that asked for a subscription to their metrics or pushed some, and have not gone.',
    labels: [],
  },
  sluice_telemetry_series: {
    kind: 'gauge',
    help: 'Series that clients pushed and that are kept.',
    labels: [],
  },
  sluice_telemetry_dropped_total: {
    kind: 'counter',
    help: 'Samples that clients pushed and that were not kept: beyond the bounds, or of kinds other than gauges and sums.',
    labels: [],
  },
  process_cpu_seconds_total: { kind: 'counter', help: 'CPU time of the process.', labels: ['mode'] },
  process_resident_memory_bytes: { kind: 'gauge', help: 'Resident memory of the process.', labels: [] },
  process_start_time_seconds: {
    kind: 'gauge',
    help: 'When the process began, since the Unix epoch.',
    labels: [],
  },
  nodejs_active_timers: { kind: 'gauge', help: 'Timers that are set.', labels: [] },
  nodejs_heap_used_bytes: { kind: 'gauge', help: 'JavaScript heap in use.', labels: [] },
  nodejs_external_memory_bytes: { kind: 'gauge', help: 'Memory of buffers outside the heap.', labels: [] },
} as const satisfies Record<string, MetricDefinition>

type Table = typeof metricTable
export type MetricName = keyof Table
type NameOf<Kind extends MetricDefinition['kind']> = {
  [N in MetricName]: Table[N]['kind'] extends Kind ? N : never
}[MetricName]
export type CounterName = NameOf<'counter'>
export type GaugeName = NameOf<'gauge'>
export type HistogramName = NameOf<'histogram'>

/** A value for each label of the metric. */
export type Labels<N extends MetricName> = { readonly [L in Table[N]['labels'][number]]: string }

export interface Sample<N extends MetricName> {
  readonly labels: Labels<N>
  readonly value: number
}

/** Where the layers count. Cheap enough for once per request, not for once per record. */
export interface Metrics {
  /** Adds to a counter (`amount` at least 0) or to a gauge. */
  add<N extends CounterName | GaugeName>(name: N, labels: Labels<N>, amount?: number): void
  observe<N extends HistogramName>(name: N, labels: Labels<N>, value: number): void
  /** Asks for the current values each time that the metrics are read. One callback a metric. */
  sample<N extends CounterName | GaugeName>(name: N, read: () => readonly Sample<N>[]): void
}

export const noMetrics: Metrics = {
  add() {},
  observe() {},
  sample() {},
}
