/** Where clients reach a broker, by its configuration. */
import { connectionLimits, connectionRates } from './apis/quota-limits.ts'
import type { Services } from './apis/services.ts'
import { boundHandlers } from './apis/table.ts'
import type { BufferPool } from './base/buffer-pool.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import type { Metrics } from './base/metrics.ts'
import type { BrokerListener } from './cluster/metadata/image.ts'
import type { BrokerConfig } from './config/load.ts'
import { networkMetrics } from './http/sources.ts'
import { dispatcher } from './net/dispatch.ts'
import type { Listen } from './net/listener.ts'
import { SocketServer } from './net/socket-server.ts'
import type { ConnectionRates } from './security/quotas/connection-rates.ts'
import { apiByKey } from './wire/apis.ts'
import { SMALLEST_HEADER_BYTES } from './wire/frame.ts'

export interface BrokerListenersOptions {
  readonly config: BrokerConfig
  readonly services: Services
  /** Requests that come before it resolves wait for it. */
  readonly ready: Promise<void>
  /** Of requests, and of what answers are sent from. */
  readonly buffers: BufferPool
  readonly metrics: Metrics
  readonly clock: Clock
  readonly logger: Logger
  readonly listen?: Listen
}

export interface BrokerListeners {
  readonly server: SocketServer
  /** Of new connections. */
  readonly rates: ConnectionRates
  /** What clients are told to connect to, in the order of `listeners`. */
  readonly advertised: readonly BrokerListener[]
}

/** Rejects with BindError where a listener cannot be bound. */
export async function openListeners(options: BrokerListenersOptions): Promise<BrokerListeners> {
  const { config, services, ready, clock, logger } = options
  const { settings } = config
  const rates = connectionRates(settings)
  const requestQuota = services.quotas.request
  const metrics = networkMetrics(options.metrics, (key) => apiByKey(key)?.name ?? 'unknown')
  const serve = dispatcher({
    handlers: boundHandlers(services),
    clock,
    logger,
    metrics,
    maxRequestEntries: settings.sluiceMaxRequestEntries,
    requestQuota,
    nextTurn: () => services.slices.nextTurn(),
  })
  let isReady = false
  void ready.then(() => {
    isReady = true
  })
  const server = await SocketServer.open(
    {
      listeners: config.listeners.listeners.map((listener) => ({
        ...listener,
        securityProtocol: 'PLAINTEXT' as const,
      })),
      backlog: settings.socketListenBacklogSize,
      maxRequestBytes: settings.socketRequestMaxBytes,
      minRequestBytes: SMALLEST_HEADER_BYTES,
      maxIdleMs: settings.connectionsMaxIdleMs,
      maxQueuedRequestBytes: settings.sluiceMaxBytesInFlight,
      readAheadBytes: settings.sluiceMaxConnectionBytesInFlight,
      ...connectionLimits(services.configs, services.metadata.image()),
    },
    {
      clock,
      logger,
      metrics,
      buffers: options.buffers,
      connectionRates: rates,
      ...(options.listen !== undefined && { listen: options.listen }),
      serve: (request, connection) =>
        isReady ? serve(request, connection) : ready.then(() => serve(request, connection)),
    },
  )
  options.metrics.sample('sluice_bytes_in_flight', () => [
    { labels: { kind: 'requests' }, value: server.bytesInFlight.requests },
    { labels: { kind: 'answers' }, value: server.bytesInFlight.answers },
  ])
  return { server, rates, advertised: advertisedListeners(config, server) }
}

/** The advertised endpoints, with the ports that the system chose. */
function advertisedListeners(config: BrokerConfig, server: SocketServer): BrokerListener[] {
  return config.listeners.advertised.map(({ name, host, port }) => {
    const bound = server.listeners.find(({ options }) => options.name === name)
    return {
      name,
      host,
      port: port === 0 && bound !== undefined ? bound.port : port,
      securityProtocol: 'PLAINTEXT',
    }
  })
}
