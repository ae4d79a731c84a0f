/** What configs belong to, as requests number it (Kafka's `ConfigResource.Type`). */
import type { ConfigResource } from '../cluster/metadata/image.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'

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

/** As IncrementalAlterConfigs numbers them (`AlterConfigOp.OpType`). */
export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

export interface AlterOperation {
  readonly name: string
  readonly operation: number
  /** Without meaning for DELETE. */
  readonly value: string
}

/**
 * The id in the name of a broker resource: decimal, with a sign and zeros before it as Java's `Integer.parseInt` reads
 * it. What is kept under such another spelling has no effect on the broker, in Kafka as here.
 */
export function parseBrokerId(name: string): number | undefined {
  if (!/^[+-]?\d+$/.test(name)) return undefined
  const id = Number(name)
  return id >= -(2 ** 31) && id < 2 ** 31 ? id : undefined
}

/** Refused with INVALID_REQUEST unless the name is that of node `nodeId`; `unexpected` words it for another's. */
export function ensureNodeId(name: string, nodeId: number, unexpected: string, what = 'Node id'): void {
  const id = parseBrokerId(name)
  if (id === undefined) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `${what} must be an integer, but it is: ${name}`)
  }
  if (id !== nodeId) throw new KafkaError(ErrorCode.INVALID_REQUEST, unexpected)
}
