import { crc32c } from '../wire/crc32c.ts'

/** What an operator wants to know of some clients: the configs of a `client-metrics` resource. */
export interface Subscription {
  /** Prefixes of names; `*` for all. */
  readonly metrics: readonly string[]
  /** How often a client pushes, in milliseconds. */
  readonly intervalMs: number
  /** By attribute, each for the whole value; none for all clients. */
  readonly patterns: ReadonlyMap<string, { matches(text: string): boolean }>
}

/** What subscriptions tell clients apart by (`ClientMetricsConfigs`): `client_id`, `client_software_name` and so on. */
export type ClientAttributes = ReadonlyMap<string, string>

/** What one client is asked to push. */
export interface ClientSubscription {
  /** Of these metrics, this interval and this client: another for whatever differs. An int32. */
  readonly id: number
  readonly metrics: readonly string[]
  readonly intervalMs: number
}

const ALL_METRICS = '*'
/** Kafka's `ClientMetricsConfigs.INTERVAL_MS_DEFAULT`: how often a client asks that no subscription is for. */
const DEFAULT_INTERVAL_MS = 300_000

/** All that the subscriptions ask of a client, after Kafka's `ClientMetricsManager.createClientInstance`. */
export function subscriptionOf(
  clientInstanceId: string,
  client: ClientAttributes,
  subscriptions: Iterable<Subscription>,
): ClientSubscription {
  const names = new Set<string>()
  let intervalMs = DEFAULT_INTERVAL_MS
  for (const subscription of subscriptions) {
    if (!isFor(subscription, client)) continue
    for (const name of subscription.metrics) names.add(name)
    intervalMs = Math.min(intervalMs, subscription.intervalMs)
  }
  const metrics = names.has(ALL_METRICS) ? [ALL_METRICS] : [...names].sort()
  const crc = crc32c(Buffer.from(`[${metrics.join(', ')}]${intervalMs}`))
  return { id: (crc ^ javaHash(clientInstanceId)) | 0, metrics, intervalMs }
}

function isFor({ patterns }: Subscription, client: ClientAttributes): boolean {
  for (const [attribute, pattern] of patterns) {
    const value = client.get(attribute)
    if (value === undefined || !pattern.matches(value)) return false
  }
  return true
}

/** Kafka's `Uuid.hashCode`. */
function javaHash(uuid: string): number {
  const bytes = Buffer.from(uuid, 'base64url')
  return bytes.readInt32BE(0) ^ bytes.readInt32BE(4) ^ bytes.readInt32BE(8) ^ bytes.readInt32BE(12)
}
