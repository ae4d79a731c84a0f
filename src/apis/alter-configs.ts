/** Changes configs of resources in the metadata, each resource as a whole or not at all: Kafka's `ConfigurationControlManager`. */
import type { MetadataChange } from '../cluster/metadata/changes.ts'
import { type ConfigResource, configsOf, type MetadataImage } from '../cluster/metadata/image.ts'
import { topicNameProblem } from '../cluster/topic-names.ts'
import { brokerDefaultText, brokerKey } from '../config/broker-keys.ts'
import { refuseBrokerChange } from '../config/broker-updates.ts'
import { groupKey, refuseGroupConfig } from '../config/group-config.ts'
import type { Key } from '../config/table.ts'
import { refuseTopicConfig, topicKey } from '../config/topic-config.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { metadataResource } from './config-resources.ts'
import { ALL_BROKERS } from './config-service.ts'
import type { Services } from './services.ts'

export const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

export interface ConfigAlteration {
  readonly resourceType: number
  readonly resourceName: string
  readonly operations: readonly {
    readonly name: string
    readonly operation: number
    /** Without meaning for DELETE. */
    readonly value: string
  }[]
}

export interface AlteredConfigs {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** One outcome per alteration, in order; those that were refused before are passed through. */
export function alterConfigs(
  alterations: readonly (ConfigAlteration | AlteredConfigs)[],
  validateOnly: boolean,
  services: Services,
): Promise<AlteredConfigs[]> {
  return services.controller.update((image) => {
    const changes: MetadataChange[] = []
    const result = alterations.map((alteration) => {
      if ('errorCode' in alteration) return alteration
      try {
        changes.push(...plan(image, alteration, services))
        return { errorCode: ErrorCode.NONE, errorMessage: null }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return { errorCode: error.code, errorMessage: error.message }
      }
    })
    // A topic that is deleted meanwhile must not leave its configs to one that is made under its name.
    const alsoRead = changes.flatMap((change) =>
      'resource' in change && change.resource.type === 'topic' ? [`topic/${change.resource.name}`] : [],
    )
    return { changes: validateOnly ? [] : changes, alsoRead, result }
  })
}

function plan(image: MetadataImage, alteration: ConfigAlteration, services: Services): MetadataChange[] {
  const resource = existingResource(image, alteration, services)
  const before = configsOf(image, resource.type, resource.name)
  const after = new Map(before)
  for (const { name, operation, value } of alteration.operations) {
    switch (operation) {
      case ConfigOperation.SET:
        after.set(name, value)
        break
      case ConfigOperation.DELETE:
        after.delete(name)
        break
      default:
        after.set(name, editedList(resource, name, operation, value, after.get(name), services))
    }
  }
  refuse(resource, alteration, after, services)
  return difference(resource, before, after)
}

function existingResource(
  image: MetadataImage,
  { resourceType, resourceName }: ConfigAlteration,
  services: Services,
): ConfigResource {
  const resource = metadataResource(resourceType, resourceName)
  if (resource === undefined) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `Unknown resource type ${resourceType}`)
  }
  if (resource.type === 'topic' && resourceName === '') {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Default topic resources are not allowed.')
  }
  const nameProblem = resource.type === 'topic' ? topicNameProblem(resourceName) : undefined
  if (nameProblem !== undefined) throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, nameProblem)
  if (resource.type === 'topic' && !image.topics.has(resourceName)) {
    throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resourceName}' does not exist.`)
  }
  if (resource.type === 'broker' && resourceName !== ALL_BROKERS && !/^-?\d+$/.test(resourceName)) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `Node id must be an integer, but it is: ${resourceName}`)
  }
  if (
    resource.type === 'broker' &&
    resourceName !== ALL_BROKERS &&
    !image.brokers.has(Number(resourceName))
  ) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Unexpected broker id, expected ${services.nodeId}, but received ${resourceName}`,
    )
  }
  return resource
}

/** A list with entries added that it lacks, or without those that are taken away. */
function editedList(
  resource: ConfigResource,
  name: string,
  operation: number,
  value: string,
  current: string | undefined,
  services: Services,
): string {
  const key = keyOf(resource, name)
  const verb = operation === ConfigOperation.APPEND ? 'APPEND' : 'SUBTRACT'
  if (key?.type !== 'list') {
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      `Can't ${verb} to key ${name} because its type is not LIST.`,
    )
  }
  const entries = entriesOf(current ?? inheritedText(resource, name, services))
  const given = entriesOf(value)
  const edited =
    operation === ConfigOperation.APPEND
      ? [...entries, ...given.filter((entry) => !entries.includes(entry))]
      : entries.filter((entry) => !given.includes(entry))
  return edited.join(',')
}

function entriesOf(list: string): string[] {
  return list.split(',').filter((entry) => entry !== '')
}

/** What a key that the resource has no value for stands at, so that entries are added to what is in force. */
function inheritedText(resource: ConfigResource, name: string, services: Services): string {
  if (resource.type === 'topic') {
    return services.configs.describeTopic(new Map()).find((entry) => entry.name === name)?.value ?? ''
  }
  return resource.type === 'broker' ? (brokerDefaultText(name) ?? '') : ''
}

function keyOf(resource: ConfigResource, name: string): Key | undefined {
  switch (resource.type) {
    case 'topic':
      return topicKey(name)
    case 'broker':
      return brokerKey(name)
    case 'group':
      return groupKey(name)
    case 'client-metrics':
      return undefined
    default:
      return resource.type satisfies never
  }
}

function refuse(
  resource: ConfigResource,
  alteration: ConfigAlteration,
  after: ReadonlyMap<string, string>,
  services: Services,
): void {
  const broker = services.configs.broker
  switch (resource.type) {
    case 'topic':
      throwIf(ErrorCode.INVALID_CONFIG, refuseTopicConfig(after, broker))
      break
    case 'group':
      throwIf(
        resource.name === '' ? ErrorCode.INVALID_REQUEST : ErrorCode.INVALID_CONFIG,
        resource.name === '' ? 'Default group resources are not allowed.' : refuseGroupConfig(after, broker),
      )
      break
    case 'client-metrics':
      throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Client metrics subscriptions are not served.')
    case 'broker': {
      const set = new Map<string, string>()
      const removed: string[] = []
      for (const { name } of alteration.operations) {
        const value = after.get(name)
        if (value === undefined) removed.push(name)
        else set.set(name, value)
      }
      throwIf(
        ErrorCode.INVALID_REQUEST,
        refuseBrokerChange(set, removed, resource.name !== ALL_BROKERS, broker),
      )
      break
    }
    default:
      resource.type satisfies never
  }
}

function throwIf(errorCode: number, message: string | undefined): void {
  if (message !== undefined) throw new KafkaError(errorCode, message)
}

function difference(
  resource: ConfigResource,
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): MetadataChange[] {
  const changes: MetadataChange[] = []
  for (const [key, value] of after) {
    if (before.get(key) !== value) changes.push({ type: 'setConfig', resource, key, value })
  }
  for (const key of before.keys()) {
    if (!after.has(key)) changes.push({ type: 'removeConfig', resource, key })
  }
  return changes
}
