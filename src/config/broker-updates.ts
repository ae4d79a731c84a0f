import { type BrokerSettings, brokerKey } from './broker-keys.ts'
import { crossCheck } from './cross-checks.ts'
import { refusePerListener } from './listener-settings.ts'
import { propertyName, readValue, refusalOf } from './table.ts'
import { InvalidValue, type Value } from './values.ts'

/** What goes over the static configuration while the broker runs, each by key. */
export interface DynamicBrokerConfig {
  /** For all brokers. */
  readonly cluster: ReadonlyMap<string, string>
  /** For this one. */
  readonly broker: ReadonlyMap<string, string>
}

export const noDynamicConfig: DynamicBrokerConfig = { cluster: new Map(), broker: new Map() }

/** Keys without a static form: Kafka knows them as dynamic keys of a broker only (`DynamicConfig.Broker`). */
const DYNAMIC_ONLY = new Set([
  'follower.replication.throttled.rate',
  'leader.replication.throttled.rate',
  'replica.alter.log.dirs.io.max.bytes.per.second',
])

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
 * Why Kafka would refuse to change these keys while the broker runs, as the message of an INVALID_REQUEST; undefined
 * when it would not (`DynamicBrokerConfig.validateConfigs`). A key that nobody knows is accepted and stored.
 * @param set the keys to set; removing a key is never refused but for one that is not dynamic
 * @param removed the keys to go back to the layer below
 * @param perBroker whether the change is for one broker rather than for all of them
 */
export function refuseBrokerChange(
  set: ReadonlyMap<string, string>,
  removed: Iterable<string>,
  perBroker: boolean,
  current: BrokerSettings,
): string | undefined {
  const names = [...set.keys(), ...removed]
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
  return (
    crossCheck(next).find((message) => !crossCheck(current).includes(message)) ?? refusePools(set, current)
  )
}

function refuseValue(name: string, text: string): string | undefined {
  const key = brokerKey(name)
  if (key !== undefined) return refusalOf(name, key, text)
  const perListener = refusePerListener(name, text)
  if (perListener !== undefined) return perListener
  if (DYNAMIC_ONLY.has(name) && !/^\s*\+?\d+\s*$/.test(text))
    return `Invalid value ${text} for configuration ${name}: ${/^\s*-\d+\s*$/.test(text) ? 'Value must be at least 0' : 'Not a number of type LONG'}`
  return undefined
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

/** Kafka lets the size of a thread pool at most double or halve at a time (`DynamicThreadPool`). */
function refusePools(set: ReadonlyMap<string, string>, current: BrokerSettings): string | undefined {
  const now: Readonly<Record<string, unknown>> = { ...current }
  for (const name of POOLS) {
    const text = set.get(name)
    const size = now[propertyName(name)]
    if (text === undefined || typeof size !== 'number') continue
    const wanted = Number(text)
    const refusal = `Dynamic thread count update validation failed for ${name}=${wanted}, value should`
    if (wanted < Math.floor(size / 2)) return `${refusal} be at least half the current value ${size}`
    if (wanted > size * 2) return `${refusal} not be greater than double the current value ${size}`
  }
  return undefined
}
