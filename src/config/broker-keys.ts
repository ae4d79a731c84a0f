import { clusterKeys } from './broker-keys/cluster.ts'
import { groupsKeys } from './broker-keys/groups.ts'
import { logKeys } from './broker-keys/log.ts'
import { networkKeys } from './broker-keys/network.ts'
import { operationsKeys } from './broker-keys/operations.ts'
import { remoteStorageKeys } from './broker-keys/remote-storage.ts'
import { saslKeys } from './broker-keys/sasl.ts'
import { securityKeys } from './broker-keys/security.ts'
import { shareKeys } from './broker-keys/share.ts'
import { sluiceKeys } from './broker-keys/sluice.ts'
import { transactionsKeys } from './broker-keys/transactions.ts'
import { deviations } from './deviations.ts'
import { type Key, type KeyTable, REQUIRED, type Settings } from './table.ts'
import { formatValue, type Value } from './values.ts'

/** Every key of server.properties, by subject. */
export const brokerKeySections = {
  Sluice: sluiceKeys,
  Network: networkKeys,
  Logs: logKeys,
  'Cluster and topics': clusterKeys,
  Groups: groupsKeys,
  'Share groups': shareKeys,
  Transactions: transactionsKeys,
  Operations: operationsKeys,
  Security: securityKeys,
  SASL: saslKeys,
  'Tiered storage': remoteStorageKeys,
} satisfies Record<string, KeyTable>

export const brokerKeys = {
  ...sluiceKeys,
  ...networkKeys,
  ...logKeys,
  ...clusterKeys,
  ...groupsKeys,
  ...shareKeys,
  ...transactionsKeys,
  ...operationsKeys,
  ...securityKeys,
  ...saslKeys,
  ...remoteStorageKeys,
} satisfies KeyTable

export type BrokerKeyName = keyof typeof brokerKeys

/** Every broker key with its typed value: `log.segment.bytes` is `logSegmentBytes`. */
export interface BrokerSettings extends Settings<typeof brokerKeys> {}

/**
 * Keys that stand in for each other, in the order in which Kafka asks them (`DynamicBrokerConfig.brokerConfigSynonyms`).
 * The last chain is for its first key only.
 */
const chains: readonly (readonly BrokerKeyName[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
]

export function brokerSynonyms(name: string): readonly string[] {
  if (name === 'log.flush.interval.ms') return [name, 'log.flush.scheduler.interval.ms']
  return chains.find((chain) => (chain as readonly string[]).includes(name)) ?? [name]
}

/** The row of a broker key; undefined for a name that is none. */
export function brokerKey(name: string): Key | undefined {
  return Object.hasOwn(brokerKeys, name) ? brokerKeys[name as BrokerKeyName] : undefined
}

/** The default in force: Kafka's, or the deviation from it. */
export function brokerDefault(name: BrokerKeyName): Value {
  const deviation = deviations[name]
  if (deviation !== undefined) return deviation.value
  const value: Value | typeof REQUIRED = brokerKeys[name].default
  return value === REQUIRED ? null : value
}

/** The default in force as text; undefined where there is none. */
export function brokerDefaultText(name: string): string | undefined {
  const key = brokerKey(name)
  if (key === undefined) return undefined
  return formatValue(key.type, brokerDefault(name as BrokerKeyName)) ?? undefined
}
