import type { BrokerSettings } from './broker-keys.ts'
import { groupKeys } from './group-keys.ts'
import { type Key, REQUIRED, readValue, refusalOf, type Settings, settingsOf } from './table.ts'
import type { Value } from './values.ts'

export type GroupKeyName = keyof typeof groupKeys

/** Every key of a group with its typed value: `consumer.session.timeout.ms` is `consumerSessionTimeoutMs`. */
export interface GroupSettings extends Settings<typeof groupKeys> {}

interface Inheritance {
  readonly value: (broker: BrokerSettings) => Value
  /** The bounds that the broker sets on a group's own value. */
  readonly min?: (broker: BrokerSettings) => number
  readonly max?: (broker: BrokerSettings) => number
}

/** A group key takes `group.` and its own name from the broker. Keys left out have no such broker key. */
const inheritance: Partial<Record<GroupKeyName, Inheritance>> = {
  'consumer.assignment.interval.ms': {
    value: (b) => b.groupConsumerAssignmentIntervalMs,
    min: (b) => b.groupConsumerMinAssignmentIntervalMs,
    max: (b) => b.groupConsumerMaxAssignmentIntervalMs,
  },
  'consumer.heartbeat.interval.ms': {
    value: (b) => b.groupConsumerHeartbeatIntervalMs,
    min: (b) => b.groupConsumerMinHeartbeatIntervalMs,
    max: (b) => b.groupConsumerMaxHeartbeatIntervalMs,
  },
  'consumer.session.timeout.ms': {
    value: (b) => b.groupConsumerSessionTimeoutMs,
    min: (b) => b.groupConsumerMinSessionTimeoutMs,
    max: (b) => b.groupConsumerMaxSessionTimeoutMs,
  },
  'share.assignment.interval.ms': {
    value: (b) => b.groupShareAssignmentIntervalMs,
    min: (b) => b.groupShareMinAssignmentIntervalMs,
    max: (b) => b.groupShareMaxAssignmentIntervalMs,
  },
  'share.delivery.count.limit': {
    value: (b) => b.groupShareDeliveryCountLimit,
    min: (b) => b.groupShareMinDeliveryCountLimit,
    max: (b) => b.groupShareMaxDeliveryCountLimit,
  },
  'share.heartbeat.interval.ms': {
    value: (b) => b.groupShareHeartbeatIntervalMs,
    min: (b) => b.groupShareMinHeartbeatIntervalMs,
    max: (b) => b.groupShareMaxHeartbeatIntervalMs,
  },
  'share.partition.max.record.locks': {
    value: (b) => b.groupSharePartitionMaxRecordLocks,
    min: (b) => b.groupShareMinPartitionMaxRecordLocks,
    max: (b) => b.groupShareMaxPartitionMaxRecordLocks,
  },
  'share.record.lock.duration.ms': {
    value: (b) => b.groupShareRecordLockDurationMs,
    min: (b) => b.groupShareMinRecordLockDurationMs,
    max: (b) => b.groupShareMaxRecordLockDurationMs,
  },
  'share.session.timeout.ms': {
    value: (b) => b.groupShareSessionTimeoutMs,
    min: (b) => b.groupShareMinSessionTimeoutMs,
    max: (b) => b.groupShareMaxSessionTimeoutMs,
  },
  'streams.assignment.interval.ms': {
    value: (b) => b.groupStreamsAssignmentIntervalMs,
    min: (b) => b.groupStreamsMinAssignmentIntervalMs,
    max: (b) => b.groupStreamsMaxAssignmentIntervalMs,
  },
  'streams.heartbeat.interval.ms': {
    value: (b) => b.groupStreamsHeartbeatIntervalMs,
    min: (b) => b.groupStreamsMinHeartbeatIntervalMs,
    max: (b) => b.groupStreamsMaxHeartbeatIntervalMs,
  },
  'streams.initial.rebalance.delay.ms': { value: (b) => b.groupStreamsInitialRebalanceDelayMs },
  'streams.num.standby.replicas': {
    value: (b) => b.groupStreamsNumStandbyReplicas,
    max: (b) => b.groupStreamsMaxStandbyReplicas,
  },
  'streams.session.timeout.ms': {
    value: (b) => b.groupStreamsSessionTimeoutMs,
    min: (b) => b.groupStreamsMinSessionTimeoutMs,
    max: (b) => b.groupStreamsMaxSessionTimeoutMs,
  },
}

/** The row of a group key; undefined for a name that is none. */
export function groupKey(name: string): Key | undefined {
  return Object.hasOwn(groupKeys, name) ? groupKeys[name as GroupKeyName] : undefined
}

/** The broker key from which a group takes a value of its own lacking (`GroupConfig.brokerSynonym`). */
export function groupBrokerKey(name: string): string | undefined {
  return Object.hasOwn(inheritance, name) ? `group.${name}` : undefined
}

/**
 * The settings of a group: its own values over the broker's, brought within the broker's bounds where these have
 * changed since (`GroupConfig.evaluate`).
 * @param own what was set for the group; a value that does not read as one throws InvalidValue, so check it first
 */
export function groupConfig(own: ReadonlyMap<string, string>, broker: BrokerSettings): GroupSettings {
  return settingsOf(groupKeys, (name) => {
    const text = own.get(name)
    const from = inheritance[name]
    if (text === undefined) return from === undefined ? kafkaDefault(name) : from.value(broker)
    const value = readValue(name, groupKeys[name], text)
    if (typeof value !== 'number') return value
    return Math.min(Math.max(value, from?.min?.(broker) ?? value), from?.max?.(broker) ?? value)
  })
}

function kafkaDefault(name: GroupKeyName): Value {
  const value: Value | typeof REQUIRED = groupKeys[name].default
  return value === REQUIRED ? null : value
}

/**
 * Why Kafka would refuse these values for a group, as the message of an INVALID_CONFIG; undefined when it would not.
 * @param values the group's whole map as it would be after the change; null is a value that was sent as null
 */
export function refuseGroupConfig(
  values: ReadonlyMap<string, string | null>,
  broker: BrokerSettings,
): string | undefined {
  const nulls = [...values].filter(([, text]) => text === null).map(([name]) => name)
  if (nulls.length > 0) return `Null value not supported for group configs: ${nulls.join(',')}`
  for (const name of values.keys())
    if (groupKey(name) === undefined) return `Unknown group config name: ${name}`
  for (const [name, text] of values) {
    const refusal = refusalOf(name, groupKeys[name as GroupKeyName], text ?? '')
    if (refusal !== undefined) return refusal
  }
  for (const [name, text] of values) {
    const refusal = refuseBeyondBounds(name as GroupKeyName, Number(text), broker)
    if (refusal !== undefined) return refusal
  }
  return refuseTogether(values, broker)
}

function refuseBeyondBounds(name: GroupKeyName, value: number, broker: BrokerSettings): string | undefined {
  const { min, max } = inheritance[name] ?? {}
  const dot = name.indexOf('.')
  const bound = (side: 'min' | 'max') => `group.${name.slice(0, dot)}.${side}${name.slice(dot)}`
  if (min !== undefined && value < min(broker))
    return `${name} must be greater than or equal to ${bound('min')}`
  if (max !== undefined && value > max(broker)) {
    const most = name === 'streams.num.standby.replicas' ? 'group.streams.max.standby.replicas' : bound('max')
    return `${name} must be less than or equal to ${most}`
  }
  return undefined
}

function refuseTogether(
  values: ReadonlyMap<string, string | null>,
  broker: BrokerSettings,
): string | undefined {
  const own = new Map([...values].map(([name, text]) => [name, text ?? '']))
  const group = groupConfig(own, broker)
  if (group.consumerSessionTimeoutMs <= group.consumerHeartbeatIntervalMs)
    return 'consumer.session.timeout.ms must be greater than consumer.heartbeat.interval.ms'
  if (group.shareSessionTimeoutMs <= group.shareHeartbeatIntervalMs)
    return 'share.session.timeout.ms must be greater than share.heartbeat.interval.ms'
  if (group.streamsSessionTimeoutMs <= group.streamsHeartbeatIntervalMs)
    return 'streams.session.timeout.ms must be greater than streams.heartbeat.interval.ms'
  return undefined
}
