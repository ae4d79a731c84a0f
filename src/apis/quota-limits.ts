/** Puts quotas and bounds on connections in force, as the configuration and the metadata have them. */
import type { EntityQuotas, MetadataImage } from '../cluster/metadata/image.ts'
import type { MetadataStore } from '../cluster/metadata/store.ts'
import type { BrokerSettings } from '../config/broker-keys.ts'
import { parseConnectionBounds } from '../config/connection-bounds.ts'
import { listenerSetting, type PerListenerKey } from '../config/listener-settings.ts'
import { INT_MAX } from '../config/table.ts'
import { InvalidValue } from '../config/values.ts'
import { ClientQuotas } from '../security/quotas/client-quotas.ts'
import { ConnectionRates } from '../security/quotas/connection-rates.ts'
import { canonicalIp } from '../security/quotas/ip.ts'
import { CONNECTION_CREATION_RATE } from '../security/quotas/names.ts'
import type { ConfigService } from './config-service.ts'
import type { Services } from './services.ts'

const SECOND_MS = 1000

/** The quotas of clients with the windows that the configuration gives them; without limits yet. */
export function clientQuotas(settings: BrokerSettings): ClientQuotas {
  return new ClientQuotas({
    clients: clientWindows(settings),
    controller: {
      samples: settings.controllerQuotaWindowNum,
      windowMs: settings.controllerQuotaWindowSizeSeconds * SECOND_MS,
    },
  })
}

export function connectionRates(settings: BrokerSettings): ConnectionRates {
  return new ConnectionRates(clientWindows(settings))
}

function clientWindows(settings: BrokerSettings) {
  return { samples: settings.quotaWindowNum, windowMs: settings.quotaWindowSizeSeconds * SECOND_MS }
}

/** What is set for single listeners, by their names. */
function perListener(
  key: PerListenerKey,
  configs: ConfigService,
  image: MetadataImage,
): ReadonlyMap<string, number> {
  const { cluster, broker } = configs.dynamic(image)
  const values = new Map<string, number>()
  for (const { name } of configs.initial.listeners.listeners) {
    const value = listenerSetting(name, key, [configs.initial.explicit, cluster, broker])
    if (value !== undefined) values.set(name, value)
  }
  return values
}

/** The bounds on open connections now. */
export function connectionLimits(configs: ConfigService, image: MetadataImage) {
  const settings = configs.broker
  return {
    maxConnections: settings.maxConnections,
    maxConnectionsPerIp: settings.maxConnectionsPerIp,
    maxConnectionsPerIpOverrides: boundsOf(configs, settings),
    maxConnectionsPerListener: perListener('max.connections', configs, image),
  }
}

/** A value that does not read, which a dynamic one may be, leaves those of the start. */
function boundsOf(configs: ConfigService, settings: BrokerSettings): ReadonlyMap<string, number> {
  try {
    return parseConnectionBounds(settings.maxConnectionsPerIpOverrides)
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    return configs.initial.connectionBounds
  }
}

export interface QuotaParts extends Pick<Services, 'metadata' | 'configs' | 'quotas' | 'resolveHost'> {
  readonly metadata: MetadataStore
  readonly rates: ConnectionRates
  /** Told of the bounds on connections whenever they may have changed. */
  readonly onConnectionLimits: (limits: ReturnType<typeof connectionLimits>) => void
}

/** Puts all limits in force, now and with every change. Returns what ends it. */
export function followQuotas(parts: QuotaParts): () => void {
  let seen: MetadataImage | undefined
  const apply = (image: MetadataImage) => {
    if (image.clientQuotas === seen?.clientQuotas && image.configs === seen.configs) return
    seen = image
    parts.quotas.update(image)
    parts.onConnectionLimits(connectionLimits(parts.configs, image))
    applyRates(parts, image, () => seen?.clientQuotas === image.clientQuotas)
  }
  apply(parts.metadata.image())
  return parts.metadata.subscribe(apply)
}

function applyRates(
  { rates, configs, resolveHost }: QuotaParts,
  image: MetadataImage,
  stillCurrent: () => boolean,
): void {
  const addresses = new Map<string, number>()
  const named: { readonly host: string; readonly limit: number }[] = []
  let anyAddress = Number.POSITIVE_INFINITY
  for (const { ip, limit } of ipLimits(image.clientQuotas.values())) {
    const address = ip === null ? undefined : canonicalIp(ip)
    if (ip === null) anyAddress = limit
    else if (address !== undefined) addresses.set(address, limit)
    else named.push({ host: ip, limit })
  }
  const listeners = perListener('max.connection.creation.rate', configs, image)
  rates.limits = {
    broker: unlimited(configs.broker.maxConnectionCreationRate),
    listeners: new Map(Array.from(listeners, ([name, rate]) => [name, unlimited(rate)])),
    addresses,
    anyAddress,
  }
  for (const { host, limit } of named) {
    void resolveHost(host).then((address) => {
      if (address !== undefined && stillCurrent() && !addresses.has(address)) addresses.set(address, limit)
    })
  }
}

function* ipLimits(quotas: Iterable<EntityQuotas>) {
  for (const { entity, values } of quotas) {
    const limit = values.get(CONNECTION_CREATION_RATE)
    if (entity.ip !== undefined && limit !== undefined) yield { ip: entity.ip, limit }
  }
}

/** Kafka's largest int stands for no limit. */
function unlimited(rate: number): number {
  return rate === INT_MAX ? Number.POSITIVE_INFINITY : rate
}
