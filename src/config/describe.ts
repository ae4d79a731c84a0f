import { brokerDefaultText, brokerKey, brokerKeys, brokerSynonyms } from './broker-keys.ts'
import { type DynamicBrokerConfig, dynamicOnlyKey, settingsInForce } from './broker-updates.ts'
import { clientMetricsKeys } from './client-metrics-keys.ts'
import { groupBrokerKey, groupConfig, groupKey } from './group-config.ts'
import { groupKeys } from './group-keys.ts'
import type { BrokerConfig } from './load.ts'
import { formatDefault, isSensitive, type Key, propertyName, readValue } from './table.ts'
import { topicBrokerKey, topicKey, topicLogConfig } from './topic-config.ts'
import { topicKeys } from './topic-keys.ts'
import { formatValue, type Value, type ValueType } from './values.ts'

/** Where a value comes from, as DescribeConfigs numbers it (`DescribeConfigsResponse.ConfigSource`). */
export const ConfigSource = {
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  CLIENT_METRICS_CONFIG: 7,
  GROUP_CONFIG: 8,
} as const

/** The type of a value, as DescribeConfigs numbers it (`DescribeConfigsResponse.ConfigType`). 0 is unknown. */
const TYPE_CODES: Readonly<Record<ValueType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
}

export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  /** A number of ConfigSource. */
  readonly source: number
}

/** One configuration of a DescribeConfigs answer. The names are those of its fields. */
export interface ConfigEntry {
  readonly name: string
  /** Null for null, and for what must not be shown. */
  readonly value: string | null
  readonly readOnly: boolean
  /** A number of ConfigSource. */
  readonly configSource: number
  readonly isSensitive: boolean
  /** What would hold, and under which name, if what goes before it were removed; the value in force first. */
  readonly synonyms: readonly ConfigSynonym[]
  readonly configType: number
  readonly documentation: string
}

/** Every configuration of a topic, or those of `names` that it has. Kafka: `ConfigHelper`. */
export function describeTopic(
  own: ReadonlyMap<string, string>,
  config: BrokerConfig,
  dynamic: DynamicBrokerConfig,
  names?: readonly string[] | null,
): ConfigEntry[] {
  const settings = topicLogConfig(own, settingsInForce(config.settings, dynamic))
  return select(Object.keys(topicKeys), names).flatMap((name) => {
    const key = topicKey(name)
    if (key === undefined) return []
    const value = formatValue(key.type, settingOf(settings, name))
    const above = topicBrokerKey(name)
    const synonyms = above === undefined ? [] : brokerSynonymsOf(above, config, dynamic)
    if (own.has(name)) synonyms.unshift({ name, value, source: ConfigSource.TOPIC_CONFIG })
    return [entry(name, key, value, false, synonyms)]
  })
}

/** Every configuration of this broker, or those of `names` that it has, keys that nobody knows among them. */
export function describeBroker(
  config: BrokerConfig,
  dynamic: DynamicBrokerConfig,
  names?: readonly string[] | null,
): ConfigEntry[] {
  const settings = settingsInForce(config.settings, dynamic)
  const all = new Set([
    ...Object.keys(brokerKeys),
    ...config.explicit.keys(),
    ...dynamic.broker.keys(),
    ...dynamic.cluster.keys(),
  ])
  return select([...all], names).flatMap((name) => {
    if (!all.has(name)) return []
    const synonyms = brokerSynonymsOf(name, config, dynamic)
    const key = brokerKey(name)
    if (key !== undefined) {
      const value = formatValue(key.type, settingOf(settings, name))
      return [entry(name, key, value, key.update === 'read-only', synonyms)]
    }
    const dynamicOnly = dynamicOnlyKey(name)
    if (dynamicOnly === undefined) return [unknownEntry(name, synonyms)]
    return [entry(name, dynamicOnly, synonyms[0]?.value ?? null, false, synonyms)]
  })
}

/** What is set for all brokers: a broker resource without a name. */
export function describeAllBrokers(
  dynamic: DynamicBrokerConfig,
  names?: readonly string[] | null,
): ConfigEntry[] {
  return select([...dynamic.cluster.keys()], names).flatMap((name) => {
    const value = dynamic.cluster.get(name)
    if (value === undefined) return []
    const source = ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG
    const key = brokerKey(name) ?? dynamicOnlyKey(name)
    if (key === undefined) return [unknownEntry(name, [{ name, value: null, source }])]
    const shown = isSensitive(key) ? null : value
    return [entry(name, key, shown, key.update === 'read-only', [{ name, value: shown, source }])]
  })
}

/** Every configuration of a group, whether or not the group exists. */
export function describeGroup(
  own: ReadonlyMap<string, string>,
  config: BrokerConfig,
  dynamic: DynamicBrokerConfig,
  names?: readonly string[] | null,
): ConfigEntry[] {
  const settings = groupConfig(own, settingsInForce(config.settings, dynamic))
  return select(Object.keys(groupKeys), names).flatMap((name) => {
    const key = groupKey(name)
    if (key === undefined) return []
    const above = groupBrokerKey(name)
    const synonyms =
      above === undefined ? defaultSynonym(name, key) : brokerSynonymsOf(above, config, dynamic)
    const text = own.get(name)
    if (text !== undefined) {
      const value = formatValue(key.type, readValue(name, key, text))
      synonyms.unshift({ name, value, source: ConfigSource.GROUP_CONFIG })
    }
    return [entry(name, key, formatValue(key.type, settingOf(settings, name)), false, synonyms)]
  })
}

/** Every configuration of a subscription to client metrics; one that was never set shows the defaults. */
export function describeClientMetrics(
  own: ReadonlyMap<string, string>,
  names?: readonly string[] | null,
): ConfigEntry[] {
  const table: Readonly<Record<string, Key>> = clientMetricsKeys
  return select(Object.keys(table), names).flatMap((name) => {
    const key = Object.hasOwn(table, name) ? table[name] : undefined
    if (key === undefined) return []
    const text = own.get(name)
    if (text === undefined) return [entry(name, key, formatDefault(key) ?? null, false, [])]
    const value = formatValue(key.type, readValue(name, key, text))
    return [entry(name, key, value, false, [{ name, value, source: ConfigSource.CLIENT_METRICS_CONFIG }])]
  })
}

/**
 * The layers of a broker key and of those that stand in for it, highest first. Kafka drops what comes before the first
 * mention of the key itself, so that a value that is only set through a stand-in shows none (`ConfigHelper.configSynonyms`).
 */
function brokerSynonymsOf(name: string, config: BrokerConfig, dynamic: DynamicBrokerConfig): ConfigSynonym[] {
  const layers: readonly (readonly [number, (name: string) => string | undefined])[] = [
    [ConfigSource.DYNAMIC_BROKER_CONFIG, (synonym) => dynamic.broker.get(synonym)],
    [ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG, (synonym) => dynamic.cluster.get(synonym)],
    [ConfigSource.STATIC_BROKER_CONFIG, (synonym) => config.explicit.get(synonym)],
    [ConfigSource.DEFAULT_CONFIG, brokerDefaultText],
  ]
  const key = brokerKey(name) ?? dynamicOnlyKey(name)
  const hidden = key === undefined || isSensitive(key)
  const synonyms: ConfigSynonym[] = []
  for (const [source, textOf] of layers) {
    for (const synonym of brokerSynonyms(name)) {
      const text = textOf(synonym)
      if (text !== undefined) synonyms.push({ name: synonym, value: hidden ? null : text, source })
    }
  }
  const first = synonyms.findIndex((synonym) => synonym.name === name)
  return first < 0 ? [] : synonyms.slice(first)
}

function defaultSynonym(name: string, key: Key): ConfigSynonym[] {
  const value = formatDefault(key)
  return value === undefined ? [] : [{ name, value, source: ConfigSource.DEFAULT_CONFIG }]
}

function entry(
  name: string,
  key: Key,
  value: string | null,
  readOnly: boolean,
  synonyms: readonly ConfigSynonym[],
): ConfigEntry {
  return {
    name,
    value: isSensitive(key) ? null : value,
    readOnly,
    configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    isSensitive: isSensitive(key),
    synonyms,
    configType: TYPE_CODES[key.type],
    documentation: key.doc,
  }
}

/** A key that nobody knows may hold a secret, so Kafka shows that it is there and no more. */
function unknownEntry(name: string, synonyms: readonly ConfigSynonym[]): ConfigEntry {
  return {
    name,
    value: null,
    readOnly: true,
    configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    isSensitive: true,
    synonyms,
    configType: 0,
    documentation: '',
  }
}

function settingOf(settings: object, name: string): Value {
  // Settings have a property for every key of their table, and the callers ask for nothing else.
  return (settings as Readonly<Record<string, Value>>)[propertyName(name)] ?? null
}

function select(all: readonly string[], names: readonly string[] | null | undefined): readonly string[] {
  return names ?? all
}
