import type { Check } from './checks.ts'
import { formatValue, InvalidValue, parseValue, type Value, type ValueType } from './values.ts'

/**
 * What becomes of a key that is set:
 * `acted` it has its effect; `accepted` Kafka knows it and there is no use for it here, which is logged once;
 * `protected` it guards something that is not served yet, so that ignoring it would be unsafe: it stops the start.
 */
export type Use = 'acted' | 'accepted' | 'protected'

/** Whether a broker key can change while the broker runs: for one broker, for all of them, or not at all. */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide'

/** Stands where Kafka has no default and refuses to start without a value. Each such key has a default in deviations.ts. */
export const REQUIRED = Symbol('required')

/** One row of a table: everything there is to say about a key. */
export interface Key<V extends Value = Value> {
  readonly type: ValueType
  /** Kafka's default. */
  readonly default: V | typeof REQUIRED
  readonly check: Check | undefined
  readonly use: Use
  readonly update: UpdateMode
  readonly doc: string
}

export type KeyTable = Readonly<Record<string, Key>>

interface Details {
  readonly check?: Check
  /** `accepted` when left out. */
  readonly use?: Use
  /** `read-only` when left out. */
  readonly update?: UpdateMode
  readonly doc: string
}

type Default<V extends Value> = V | null | typeof REQUIRED
type Widened<V extends Value, D> = D extends null ? V | null : V

function row<V extends Value, D extends Default<V>>(
  type: ValueType,
  kafkaDefault: D,
  details: Details,
): Key<Widened<V, D>> {
  return {
    type,
    // The caller's default is a V, null or REQUIRED, and Widened keeps exactly those.
    default: kafkaDefault as unknown as Widened<V, D> | typeof REQUIRED,
    check: details.check,
    use: details.use ?? 'accepted',
    update: details.update ?? 'read-only',
    doc: details.doc,
  }
}

export const boolean = (kafkaDefault: boolean, details: Details) =>
  row<boolean, boolean>('boolean', kafkaDefault, details)
export const int = <D extends Default<number>>(kafkaDefault: D, details: Details) =>
  row<number, D>('int', kafkaDefault, details)
export const short = <D extends Default<number>>(kafkaDefault: D, details: Details) =>
  row<number, D>('short', kafkaDefault, details)
export const long = <D extends Default<number>>(kafkaDefault: D, details: Details) =>
  row<number, D>('long', kafkaDefault, details)
export const double = <D extends Default<number>>(kafkaDefault: D, details: Details) =>
  row<number, D>('double', kafkaDefault, details)
export const string = <D extends Default<string>>(kafkaDefault: D, details: Details) =>
  row<string, D>('string', kafkaDefault, details)
export const password = (details: Details) => row<string, null>('password', null, details)
/** A Java class. The default is the name without its package: there is nothing to load it from. */
export const className = <D extends Default<string>>(kafkaDefault: D, details: Details) =>
  row<string, D>('class', kafkaDefault, details)
export const list = <D extends Default<readonly string[]>>(kafkaDefault: D, details: Details) =>
  row<readonly string[], D>('list', kafkaDefault, details)

/** The largest long of Java, as near as a number comes to it. */
export const LONG_MAX = 2 ** 63
export const INT_MAX = 2 ** 31 - 1

/** `log.segment.bytes` is `logSegmentBytes` in code. */
export type PropertyName<K extends string> = K extends `${infer Head}.${infer Tail}`
  ? `${Head}${Capitalize<PropertyName<Tail>>}`
  : K

/** The typed values of a table's keys. */
export type Settings<T extends KeyTable> = {
  readonly [K in keyof T & string as PropertyName<K>]: T[K] extends Key<infer V> ? V : never
}

export function propertyName(key: string): string {
  return key.replace(/\.(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** Reads and checks one value. Throws InvalidValue. */
export function readValue(name: string, key: Key, text: string): Value {
  const parsed = parseValue(name, key.type, text)
  const value =
    key.check?.dropsRepeated === true && typeof parsed === 'object' && parsed !== null
      ? [...new Set(parsed)]
      : parsed
  if (value !== null) key.check?.ensure(name, key.type, value)
  return value
}

/** The message of the refusal, or undefined when the text is a value of the key. */
export function refusalOf(name: string, key: Key, text: string): string | undefined {
  try {
    readValue(name, key, text)
    return undefined
  } catch (error) {
    if (error instanceof InvalidValue) return error.message
    throw error
  }
}

/** Made once a table: the settings of each topic in a long request are. */
const propertyNames = new WeakMap<KeyTable, readonly (readonly [string, string])[]>()

function propertyNamesOf(table: KeyTable): readonly (readonly [string, string])[] {
  let names = propertyNames.get(table)
  if (names === undefined) {
    names = Object.keys(table).map((name) => [name, propertyName(name)] as const)
    propertyNames.set(table, names)
  }
  return names
}

/** Builds the typed values of a table from `valueFor`, which answers for every key by its name. */
export function settingsOf<T extends KeyTable>(
  table: T,
  valueFor: (name: keyof T & string) => Value,
): Settings<T> {
  const settings: Record<string, Value> = {}
  for (const [name, property] of propertyNamesOf(table)) settings[property] = valueFor(name)
  // Every key of the table got the value that its row's type asks for.
  return settings as Settings<T>
}

/** Passwords never leave the broker: DescribeConfigs shows null in their place. */
export function isSensitive(key: Key): boolean {
  return key.type === 'password'
}

/** A default as Kafka shows it; undefined where there is none (null, or required). */
export function formatDefault(key: Key): string | undefined {
  if (key.default === REQUIRED || key.default === null) return undefined
  return formatValue(key.type, key.default) ?? undefined
}
