import type { Metrics } from '../base/metrics.ts'

interface RequestMeasure {
  readonly apiKey: number
  readonly requestBytes: number
  readonly answerBytes: number
  readonly durationMs: number
}

/**
 * What the network layer counts, written down as metrics.
 * @param apiName the name of an API key, for the label; keys that no API has must give one common name
 */
export function networkMetrics(metrics: Metrics, apiName: (apiKey: number) => string) {
  return {
    boundMet(bound: string, listener: string): void {
      metrics.add('sluice_bounds_met_total', { bound, at: listener })
    },
    connectionOpened(listener: string): void {
      metrics.add('sluice_connections_opened_total', { listener })
      metrics.add('sluice_connections', { listener })
    },
    connectionClosed(listener: string): void {
      metrics.add('sluice_connections', { listener }, -1)
    },
    requestHandled({ apiKey, requestBytes, answerBytes, durationMs }: RequestMeasure): void {
      const labels = { api: apiName(apiKey) }
      metrics.add('sluice_requests_total', labels)
      metrics.add('sluice_request_bytes_total', labels, requestBytes)
      metrics.add('sluice_answer_bytes_total', labels, answerBytes)
      metrics.observe('sluice_request_duration_seconds', labels, durationMs / 1000)
    },
    requestRefused(_listener: string, apiKey: number): void {
      metrics.add('sluice_requests_refused_total', { api: apiName(apiKey) })
    },
    requestThrottled(quota: string, throttleMs: number): void {
      metrics.add('sluice_throttled_requests_total', { quota })
      metrics.add('sluice_throttle_seconds_total', { quota }, throttleMs / 1000)
    },
    connectionThrottled(rate: string): void {
      metrics.add('sluice_throttled_connections_total', { rate })
    },
  }
}

/** What the process says about itself, read when the metrics are. Nothing keeps running for it. */
export function sampleProcess(metrics: Metrics, version: string): void {
  const startedSeconds = performance.timeOrigin / 1000
  metrics.sample('sluice_build_info', () => [{ labels: { version }, value: 1 }])
  metrics.sample('process_start_time_seconds', () => [{ labels: {}, value: startedSeconds }])
  metrics.sample('process_resident_memory_bytes', () => [{ labels: {}, value: process.memoryUsage.rss() }])
  metrics.sample('nodejs_active_timers', () => [
    { labels: {}, value: process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length },
  ])
  metrics.sample('nodejs_heap_used_bytes', () => [{ labels: {}, value: process.memoryUsage().heapUsed }])
  metrics.sample('nodejs_external_memory_bytes', () => [
    { labels: {}, value: process.memoryUsage().external },
  ])
  metrics.sample('process_cpu_seconds_total', () => {
    const { user, system } = process.cpuUsage()
    return [
      { labels: { mode: 'user' }, value: user / 1e6 },
      { labels: { mode: 'system' }, value: system / 1e6 },
    ]
  })
}
