/** What is asked of clients, as the `client-metrics` resources of the metadata have it. */
import { configResourceNames, configsOf, type MetadataImage } from '../cluster/metadata/image.ts'
import type { MetadataStore } from '../cluster/metadata/store.ts'
import { matchPatterns } from '../config/client-metrics-config.ts'
import { clientMetricsKeys } from '../config/client-metrics-keys.ts'
import { readValue, settingsOf } from '../config/table.ts'
import type { ClientTelemetry } from '../telemetry/client-telemetry.ts'
import type { Subscription } from '../telemetry/subscriptions.ts'

/** Puts the subscriptions in force, now and with every change. Returns what ends it. */
export function followSubscriptions(telemetry: ClientTelemetry, metadata: MetadataStore): () => void {
  const apply = (image: MetadataImage) => {
    telemetry.subscriptions = configResourceNames(image, 'client-metrics').map((name) =>
      subscription(configsOf(image, 'client-metrics', name)),
    )
  }
  apply(metadata.image())
  return metadata.subscribe((image, changes) => {
    const touched = changes.some(
      (change) => 'resource' in change && change.resource.type === 'client-metrics',
    )
    if (touched) apply(image)
  })
}

/** What was stored was checked before. */
function subscription(own: ReadonlyMap<string, string>): Subscription {
  const { metrics, intervalMs, match } = settingsOf(clientMetricsKeys, (name) => {
    const text = own.get(name)
    // No key of these has to be set.
    return text === undefined
      ? (clientMetricsKeys[name].default as readonly string[] | number)
      : readValue(name, clientMetricsKeys[name], text)
  })
  const read = matchPatterns(match)
  return { metrics, intervalMs, patterns: 'patterns' in read ? read.patterns : NOBODY }
}

/** Stands where a pattern does not read any more: better nobody than everybody. */
const NOBODY: Subscription['patterns'] = new Map([['client_id', { matches: () => false }]])
