/** Variables that Kafka's images and scripts read themselves; they name no key. */
const NOT_KEYS = new Set([
  'KAFKA_CLUSTER_ID',
  'KAFKA_DEBUG',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_HEAP_OPTS',
  'KAFKA_HOME',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_OPTS',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
  'KAFKA_VERSION',
])
const NOT_KEYS_PREFIXES = ['KAFKA_JMX_', 'KAFKA_LOG4J_']

export interface EnvironmentEntry {
  readonly variable: string
  readonly key: string
  readonly value: string
}

/**
 * The keys in an environment, by the rule of Apache Kafka's images: `KAFKA_` and the key in capitals, where `_` stands
 * for `.`, `__` for `_` and `___` for `-`.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): EnvironmentEntry[] {
  const entries: EnvironmentEntry[] = []
  for (const variable of Object.keys(env).sort()) {
    const value = env[variable]
    if (value === undefined || !variable.startsWith('KAFKA_') || variable === 'KAFKA_') continue
    if (NOT_KEYS.has(variable) || NOT_KEYS_PREFIXES.some((prefix) => variable.startsWith(prefix))) continue
    entries.push({ variable, key: keyOf(variable), value })
  }
  return entries
}

const SEPARATORS: Readonly<Record<string, string>> = { _: '.', __: '_', ___: '-' }

function keyOf(variable: string): string {
  return variable
    .slice('KAFKA_'.length)
    .toLowerCase()
    .replace(/_{1,3}/g, (run) => SEPARATORS[run]!)
}
