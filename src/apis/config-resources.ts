/** What configs belong to, as requests number it (Kafka's `ConfigResource.Type`). */
import type { ConfigResource } from '../cluster/metadata/image.ts'

export const ResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const

const METADATA_TYPES: ReadonlyMap<number, ConfigResource['type']> = new Map([
  [ResourceType.TOPIC, 'topic'],
  [ResourceType.BROKER, 'broker'],
  [ResourceType.CLIENT_METRICS, 'client-metrics'],
  [ResourceType.GROUP, 'group'],
])

/** Under what the metadata keeps the configs of a resource; undefined for a type that it keeps none of. */
export function metadataResource(resourceType: number, resourceName: string): ConfigResource | undefined {
  const type = METADATA_TYPES.get(resourceType)
  return type && { type, name: resourceName }
}
