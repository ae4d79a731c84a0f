/**
 * Changes configs of resources, each resource as a whole or not at all: Kafka's `ConfigAdminManager` (what the broker
 * checks) and `ConfigurationControlManager` (what the controller does).
 */

import { tooManyRecords } from '../cluster/controller/create-topics.ts'
import type { MetadataChange } from '../cluster/metadata/changes.ts'
import { type ConfigResource, configsOf, type MetadataImage } from '../cluster/metadata/image.ts'
import { topicNameProblem } from '../cluster/topic-names.ts'
import { brokerKey } from '../config/broker-keys.ts'
import { refuseBrokerChange } from '../config/broker-updates.ts'
import { refuseClientMetricsConfig } from '../config/client-metrics-config.ts'
import { groupKey, refuseGroupConfig } from '../config/group-config.ts'
import { formatDefault, type Key } from '../config/table.ts'
import { refuseTopicConfig, topicKey } from '../config/topic-config.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { alterLoggers } from './broker-loggers.ts'
import {
  type AlterOperation,
  ConfigOperation,
  ensureNodeId,
  metadataResource,
  parseBrokerId,
  ResourceType,
} from './config-resources.ts'
import { ALL_BROKERS } from './config-service.ts'
import { errorText } from './error-text.ts'
import type { RequestContext } from './handler.ts'
import { repeated } from './repeated.ts'
import type { Services } from './services.ts'

interface NamedResource {
  readonly resourceType: number
  readonly resourceName: string
}

/** What one resource of a request asks for. */
export interface ConfigAlteration extends NamedResource {
  readonly change: ConfigChange
}

/** `replace` has all configs that the resource is to have: AlterConfigs; `edit` is IncrementalAlterConfigs. */
export type ConfigChange =
  | { readonly type: 'replace'; readonly configs: readonly NamedValue[] }
  | { readonly type: 'edit'; readonly configs: readonly (NamedValue & { readonly operation: number })[] }

interface NamedValue {
  readonly name: string
  readonly value: string | null
}

export interface AlteredConfigs {
  readonly errorCode: number
  readonly errorMessage: string | null
}

const DONE: AlteredConfigs = { errorCode: ErrorCode.NONE, errorMessage: null }

/** The answer of either API, by the outcome of each resource, in order. */
export function alteredResources(
  resources: readonly NamedResource[],
  outcomes: readonly AlteredConfigs[],
): { responses: (AlteredConfigs & NamedResource)[] } {
  return {
    responses: resources.map(({ resourceType, resourceName }, index) => ({
      ...outcomes[index]!,
      resourceType,
      resourceName,
    })),
  }
}

/** The answer of either API where nothing of the request is done. */
export function refusedResources(resources: readonly NamedResource[], errorCode: number) {
  return alteredResources(
    resources,
    resources.map(() => ({ errorCode, errorMessage: null })),
  )
}

/** One outcome per alteration, in order; all are refused where they change more at once than Kafka lets them. */
export async function alterConfigs(
  alterations: readonly ConfigAlteration[],
  validateOnly: boolean,
  services: Services,
  context?: Pick<RequestContext, 'time' | 'refusedWith'>,
): Promise<AlteredConfigs[]> {
  const { slices } = services
  const time = context?.time
  const turn = slices.turn()
  const names = alterations.map(nameOf)
  const twice = repeated(names)
  if (slices.isOver(turn)) await slices.pause(turn, time)
  let records = 0
  // What needs no commit: refusals, loggers, and what changes nothing. A commit is one step, so it has only the others.
  const settle = (alteration: ConfigAlteration, at: number) =>
    outcomeOf(() => {
      if (twice.has(names[at]!)) invalidRequest('Each resource must appear at most once.')
      ensureWellFormed(alteration.change)
      const { resourceType, resourceName, change } = alteration
      if (resourceType !== ResourceType.BROKER_LOGGER || change.type === 'replace') {
        const changes = plan(services.metadata.image(), alteration, services)
        records += changes.length
        return changes.length === 0 ? DONE : undefined
      }
      ensureNodeId(
        resourceName,
        services.nodeId,
        `Unexpected node id. Expected ${services.nodeId}, but received ${parseBrokerId(resourceName)}`,
      )
      alterLoggers(services.logLevels, operationsOf(change), validateOnly)
      return DONE
    })
  const settled = await slices.map(alterations, settle, turn, time)
  const tooMany = tooManyRecords(records)
  if (tooMany !== undefined) {
    context?.refusedWith(tooMany.errorCode)
    return alterations.map(() => ({ errorCode: tooMany.errorCode, errorMessage: tooMany.message }))
  }
  return services.controller.update((image) => {
    const changes: MetadataChange[] = []
    const result = alterations.map(
      (alteration, index) =>
        settled[index] ??
        outcomeOf(() => {
          changes.push(...plan(image, alteration, services))
          return DONE
        }),
    )
    // A topic that is deleted meanwhile must not leave its configs to one that is made under its name.
    const alsoRead = changes.flatMap((change) =>
      'resource' in change && change.resource.type === 'topic' ? [`topic/${change.resource.name}`] : [],
    )
    return { changes: validateOnly ? [] : changes, alsoRead, result }
  })
}

function nameOf({ resourceType, resourceName }: ConfigAlteration): string {
  return `${resourceType} ${resourceName}`
}

function outcomeOf<T>(act: () => T): T | AlteredConfigs {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { errorCode: error.code, errorMessage: errorText(error.message) }
  }
}

function ensureWellFormed(change: ConfigChange): void {
  if (repeated(change.configs.map(({ name }) => name)).size > 0) {
    invalidRequest('Error due to duplicate config keys')
  }
  const nulls =
    change.type === 'replace'
      ? change.configs.filter(({ value }) => value === null)
      : change.configs.filter(
          ({ value, operation }) => value === null && operation !== ConfigOperation.DELETE,
        )
  if (nulls.length > 0) {
    invalidRequest(`Null value not supported for : ${nulls.map(({ name }) => name).join(', ')}`)
  }
  if (change.type === 'replace') return
  const unknown = change.configs.find(
    ({ operation }) => operation < 0 || operation > ConfigOperation.SUBTRACT,
  )
  if (unknown !== undefined) {
    invalidRequest(`Unknown operation type ${unknown.operation} for config ${unknown.name}`)
  }
}

function operationsOf({ configs }: ConfigChange & { type: 'edit' }): AlterOperation[] {
  return configs.map(({ name, operation, value }) => ({ name, operation, value: value ?? '' }))
}

function plan(image: MetadataImage, alteration: ConfigAlteration, services: Services): MetadataChange[] {
  const resource = existingResource(image, alteration, services)
  const before = configsOf(image, resource.type, resource.name)
  const after = configsAfter(resource, before, alteration.change)
  // A broker is asked about what the request names, anything else about all that it is to have.
  const named = new Set([
    ...alteration.change.configs.map(({ name }) => name),
    ...(alteration.change.type === 'replace' ? before.keys() : []),
  ])
  refuse(resource, named, after, services)
  return difference(resource, before, after)
}

function configsAfter(
  resource: ConfigResource,
  before: ReadonlyMap<string, string>,
  change: ConfigChange,
): ReadonlyMap<string, string> {
  if (change.type === 'replace') return new Map(change.configs.map(({ name, value }) => [name, value ?? '']))
  const after = new Map(before)
  for (const { name, operation, value } of operationsOf(change)) {
    switch (operation) {
      case ConfigOperation.SET:
        after.set(name, value)
        break
      case ConfigOperation.DELETE:
        after.delete(name)
        break
      default:
        after.set(name, editedList(resource, name, operation, value, after.get(name)))
    }
  }
  return after
}

function existingResource(
  image: MetadataImage,
  { resourceType, resourceName }: ConfigAlteration,
  services: Services,
): ConfigResource {
  const resource = metadataResource(resourceType, resourceName)
  if (resource === undefined) invalidRequest(`Unknown resource type ${resourceType}`)
  switch (resource.type) {
    case 'topic': {
      if (resourceName === '') invalidRequest('Default topic resources are not allowed.')
      const problem = topicNameProblem(resourceName)
      if (problem !== undefined) throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
      if (!image.topics.has(resourceName)) {
        const message = `The topic '${resourceName}' does not exist.`
        throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
      }
      break
    }
    case 'broker':
      if (resourceName === ALL_BROKERS) break
      ensureNodeId(
        resourceName,
        services.nodeId,
        `Unexpected broker id, expected ${services.nodeId}, but received ${resourceName}`,
      )
      break
    default:
      break
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
): string {
  const key = keyOf(resource, name)
  if (key?.type !== 'list') {
    throw new KafkaError(ErrorCode.INVALID_CONFIG, noListText(resource, name, key !== undefined, operation))
  }
  // Kafka's default of the key, whatever is in force for the resource from above.
  const entries = entriesOf(current ?? formatDefault(key) ?? '')
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

/** A broker finds it out itself, before the controller that words it for all others. */
function noListText(resource: ConfigResource, name: string, known: boolean, operation: number): string {
  const verb = operation === ConfigOperation.APPEND ? 'APPEND' : 'SUBTRACT'
  if (resource.type !== 'broker') return `Can't ${verb} to key ${name} because its type is not LIST.`
  return known
    ? `Config value ${verb.toLowerCase()} is not allowed for config key: ${name}`
    : `Unknown config name: ${name}`
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
      // Kafka's controller has no types for these, so their lists are set as a whole.
      return undefined
    default:
      return resource.type satisfies never
  }
}

/** @param named what the request sets or takes away, of `after` and beyond it */
function refuse(
  resource: ConfigResource,
  named: ReadonlySet<string>,
  after: ReadonlyMap<string, string>,
  services: Services,
): void {
  const broker = services.configs.broker
  switch (resource.type) {
    case 'topic':
      throwIf(ErrorCode.INVALID_CONFIG, refuseTopicConfig(after, broker))
      break
    case 'group':
      if (resource.name === '') invalidRequest('Default group resources are not allowed.')
      throwIf(ErrorCode.INVALID_CONFIG, refuseGroupConfig(after, broker))
      break
    case 'client-metrics': {
      const refusal = refuseClientMetricsConfig(resource.name, after)
      const errorCode = refusal?.kind === 'request' ? ErrorCode.INVALID_REQUEST : ErrorCode.INVALID_CONFIG
      throwIf(errorCode, refusal?.message)
      break
    }
    case 'broker': {
      const set = new Map<string, string>()
      for (const name of named) {
        const value = after.get(name)
        if (value !== undefined) set.set(name, value)
      }
      throwIf(ErrorCode.INVALID_REQUEST, refuseBrokerChange(set, resource.name !== ALL_BROKERS, broker))
      break
    }
    default:
      resource.type satisfies never
  }
}

function invalidRequest(message: string): never {
  throw new KafkaError(ErrorCode.INVALID_REQUEST, message)
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
