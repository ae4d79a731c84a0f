/** Metrics and health of a broker over HTTP: loaded only where they are asked for. */
import type { Logger } from './base/logger.ts'
import type { Metrics } from './base/metrics.ts'
import type { BrokerParts } from './http/broker-metrics.ts'
import { StartError } from './start-error.ts'

export interface BrokerHttpOptions {
  readonly listener: { readonly host: string; readonly port: number }
  /** Of this release, for the metrics. */
  readonly version: string
  /** Why the broker is not ready; undefined when it is. */
  readonly notReady: () => string | undefined
  readonly logger: Logger
}

export interface BrokerHttp {
  readonly metrics: Metrics
  readonly port: number
  /** Samples the parts from here on. */
  readonly sample: (parts: BrokerParts) => void
  close(): Promise<void>
}

/** Rejects with StartError where the listener cannot be bound. */
export async function openBrokerHttp(options: BrokerHttpOptions): Promise<BrokerHttp> {
  const { listener, version, notReady, logger } = options
  const [{ HttpServer, HttpBindError }, { prometheusMetrics }, { sampleBroker }, { sampleProcess }] =
    await Promise.all([
      import('./http/http-server.ts'),
      import('./http/prometheus.ts'),
      import('./http/broker-metrics.ts'),
      import('./http/sources.ts'),
    ])
  const metrics = await prometheusMetrics()
  sampleProcess(metrics, version)
  const server = await HttpServer.start({ ...listener, metrics, notReady, logger }).catch(
    (error: unknown) => {
      throw error instanceof HttpBindError ? new StartError(error.message, { cause: error }) : error
    },
  )
  return {
    metrics,
    port: server.port,
    sample: (parts) => sampleBroker(metrics, parts),
    close: () => server.close(),
  }
}
