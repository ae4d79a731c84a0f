import { RE2JS } from 're2js'
import { clientMetricsKeys } from './client-metrics-keys.ts'
import { type Key, readValue, refusalOf } from './table.ts'

/** What a pattern of `match` may ask a client for. Kafka: `ClientMetricsConfigs`. */
const MATCH_PARAMETERS: ReadonlySet<string> = new Set([
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
])

const MIN_INTERVAL_MS = 100
const MAX_INTERVAL_MS = 3_600_000

/** The row of a key of client metrics; undefined for a name that is none. */
export function clientMetricsKey(name: string): Key | undefined {
  const table: Readonly<Record<string, Key>> = clientMetricsKeys
  return Object.hasOwn(table, name) ? table[name] : undefined
}

/**
 * The patterns of a `match` list by what they are for, each to match the whole value; of several for the same parameter
 * the last counts. Or the first entry that is none. Kafka reads them with Java's `Pattern`; here it is RE2, which matches
 * in linear time and has neither backreferences nor lookaround.
 */
export function matchPatterns(
  list: readonly string[],
): { readonly patterns: ReadonlyMap<string, RE2JS> } | { readonly illegal: string } {
  const patterns = new Map<string, RE2JS>()
  for (const entry of list) {
    const [name, pattern, ...more] = splitLikeJava(entry)
    const parameter = name?.trim() ?? ''
    if (pattern === undefined || more.length > 0 || !MATCH_PARAMETERS.has(parameter))
      return { illegal: entry }
    try {
      patterns.set(parameter, RE2JS.compile(pattern.trim()))
    } catch {
      return { illegal: entry }
    }
  }
  return { patterns }
}

/** Java's `split("=")` drops empty parts at the end. */
function splitLikeJava(entry: string): string[] {
  const parts = entry.split('=')
  while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return parts
}

export interface ClientMetricsRefusal {
  /** Whether the request itself is called invalid, rather than a value of it. */
  readonly kind: 'request' | 'config'
  readonly message: string
}

/**
 * Why Kafka would refuse these configs of a subscription; undefined when it would not (`ClientMetricsConfigs.validate`).
 * @param values all that the subscription is to have
 */
export function refuseClientMetricsConfig(
  subscription: string,
  values: ReadonlyMap<string, string>,
): ClientMetricsRefusal | undefined {
  if (subscription === '') return { kind: 'request', message: "Subscription name can't be empty" }
  for (const name of values.keys()) {
    if (clientMetricsKey(name) === undefined) {
      return { kind: 'request', message: `Unknown client metrics configuration: ${name}` }
    }
  }
  for (const [name, text] of values) {
    // Every name was just found in the table.
    const message = refusalOf(name, clientMetricsKey(name)!, text)
    if (message !== undefined) return { kind: 'config', message }
  }
  const interval = Number(values.get('interval.ms') ?? MIN_INTERVAL_MS)
  if (interval < MIN_INTERVAL_MS || interval > MAX_INTERVAL_MS) {
    const message = `Invalid value ${interval} for interval.ms, interval must be between ${MIN_INTERVAL_MS} and ${MAX_INTERVAL_MS} (1 hour)`
    return { kind: 'request', message }
  }
  const match = readValue('match', clientMetricsKeys.match, values.get('match') ?? '')
  const read = matchPatterns(match as readonly string[])
  return 'illegal' in read
    ? { kind: 'config', message: `Illegal client matching pattern: ${read.illegal}` }
    : undefined
}
