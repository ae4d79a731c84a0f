import { type BrokerSettings, brokerKey } from './broker-keys.ts'
import { atLeast } from './checks.ts'
import { newlyBroken } from './cross-checks.ts'
import { refusePerListener } from './listener-settings.ts'
import { type Key, type KeyTable, LONG_MAX, long, propertyName, readValue, refusalOf } from './table.ts'
import { InvalidValue, type Value } from './values.ts'

/** What goes over the static configuration while the broker runs, each by key. */
export interface DynamicBrokerConfig {
  /** For all brokers. */
  readonly cluster: ReadonlyMap<string, string>
  /** For this one. */
  readonly broker: ReadonlyMap<string, string>
}

export const noDynamicConfig: DynamicBrokerConfig = { cluster: new Map(), broker: new Map() }

/** Keys without a static form: Kafka knows them as dynamic keys of a broker only (`QuotaConfig.brokerQuotaConfigs`). */
// biome-ignore format: a table reads by the line
const dynamicOnlyKeys: KeyTable = {
  'follower.replication.throttled.rate': long(LONG_MAX, { check: atLeast(0), update: 'cluster-wide', doc: 'Bytes a second that followers fetch for throttled replicas.' }),
  'leader.replication.throttled.rate': long(LONG_MAX, { check: atLeast(0), update: 'cluster-wide', doc: 'Bytes a second that leaders give to throttled replicas.' }),
  'replica.alter.log.dirs.io.max.bytes.per.second': long(LONG_MAX, { check: atLeast(0), update: 'cluster-wide', doc: 'Bytes a second that move between log directories.' }),
}

/** A key that a running broker has only where it was set. */
export function dynamicOnlyKey(name: string): Key | undefined {
  return Object.hasOwn(dynamicOnlyKeys, name) ? dynamicOnlyKeys[name] : undefined
}

/**
 * The settings in force: this broker's dynamic value over that for all brokers, over those it started with. A stored
 * value that no longer reads as one is passed over, as Kafka does.
 */
export function settingsInForce(initial: BrokerSettings, dynamic: DynamicBrokerConfig): BrokerSettings {
  const changes: Record<string, Value> = {}
  for (const layer of [dynamic.cluster, dynamic.broker]) {
    for (const [name, text] of layer) {
      const key = brokerKey(name)
      if (key === undefined || key.update === 'read-only') continue
      try {
        changes[propertyName(name)] = readValue(name, key, text)
      } catch (error) {
        if (!(error instanceof InvalidValue)) throw error
      }
    }
  }
  return { ...initial, ...changes }
}

/**
 * Why Kafka would refuse to set these keys while the broker runs, as the message of an INVALID_REQUEST; undefined when
 * it would not (`DynamicBrokerConfig.validateConfigs`). A key that nobody knows is accepted and stored. To remove a key
 * is never refused, so it is not asked about.
 * @param perBroker whether the change is for one broker rather than for all of them
 */
export function refuseBrokerChange(
  set: ReadonlyMap<string, string>,
  perBroker: boolean,
  current: BrokerSettings,
): string | undefined {
  const names = [...set.keys()]
  const readOnly = names.filter((name) => brokerKey(name)?.update === 'read-only')
  if (readOnly.length > 0) return `Cannot update these configs dynamically: [${readOnly.join(', ')}]`

  const unprefixed = names.filter((name) => brokerKey(name) !== undefined && isPerListener(name))
  if (unprefixed.length > 0)
    return `These security configs can be dynamically updated only per-listener using the listener prefix: [${unprefixed.join(', ')}]`

  for (const [name, text] of set) {
    const refusal = refuseValue(name, text)
    if (refusal !== undefined) return refusal
  }
  if (!perBroker) {
    const single = names.filter((name) => brokerKey(name)?.update === 'per-broker')
    if (single.length > 0)
      return `Cannot update these configs at default cluster level, broker id must be specified: [${single.join(', ')}]`
  }
  const next = settingsInForce(current, { cluster: set, broker: new Map() })
  return newlyBroken(current, next) ?? refusePools(set, current)
}

function refuseValue(name: string, text: string): string | undefined {
  const key = brokerKey(name) ?? dynamicOnlyKey(name)
  return key === undefined ? refusePerListener(name, text) : refusalOf(name, key, text)
}

/** TLS and SASL settings have to name their listener, as `listener.name.internal.ssl.keystore.location`. */
function isPerListener(name: string): boolean {
  return name.startsWith('ssl.') || name.startsWith('sasl.') || name === 'principal.builder.class'
}

const POOLS = [
  'background.threads',
  'log.cleaner.threads',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
]

/**
 * Kafka lets the size of a thread pool at most double or halve at a time (`DynamicThreadPool`, `LogCleaner`). What they
 * say comes wrapped in another exception's text.
 */
function refusePools(set: ReadonlyMap<string, string>, current: BrokerSettings): string | undefined {
  const now: Readonly<Record<string, unknown>> = { ...current }
  for (const name of POOLS) {
    const text = set.get(name)
    const size = now[propertyName(name)]
    if (text === undefined || typeof size !== 'number') continue
    const refusal = refusePool(name, Number(text), size)
    if (refusal !== undefined)
      return `Invalid value org.apache.kafka.common.config.ConfigException: ${refusal} for configuration Invalid dynamic configuration`
  }
  return undefined
}

function refusePool(name: string, wanted: number, size: number): string | undefined {
  const low = wanted < Math.floor(size / 2)
  if (!low && wanted <= size * 2) return undefined
  if (name === 'log.cleaner.threads')
    return `Log cleaner threads cannot be ${low ? 'reduced to less than half' : 'increased to more than double'} the current value ${size}`
  const bound = low ? 'be at least half' : 'not be greater than double'
  return `Dynamic thread count update validation failed for ${name}=${wanted}, value should ${bound} the current value ${size}`
}
