/** Writes the pages of docs/ that are made from tables. With `--check` it only says whether they are current. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type MetricDefinition, metricTable } from '../src/base/metrics.ts'
import { brokerDefaultText, brokerKeySections, brokerSynonyms } from '../src/config/broker-keys.ts'
import { clientMetricsKeys } from '../src/config/client-metrics-keys.ts'
import { cappedByLiveBrokers, deviations } from '../src/config/deviations.ts'
import { groupBrokerKey } from '../src/config/group-config.ts'
import { groupKeys } from '../src/config/group-keys.ts'
import { formatDefault, type Key, type KeyTable } from '../src/config/table.ts'
import { topicBrokerKey } from '../src/config/topic-config.ts'
import { topicKeys } from '../src/config/topic-keys.ts'
import { boundTable } from '../src/net/bounds.ts'
import { MAX_SERIES, MAX_SERIES_PER_CLIENT } from '../src/telemetry/pushed-metrics.ts'

export const pages: Readonly<Record<string, () => string>> = {
  'configuration.md': configurationPage,
  'metrics.md': metricsPage,
}

const NOTICE = '<!-- Made by `npm run docs` from the tables in src. -->'

function configurationPage(): string {
  const broker = Object.entries(brokerKeySections).flatMap(([title, table]) => [
    `### ${title}`,
    '',
    ...brokerTable(table),
    '',
  ])
  return `${[
    '# Configuration',
    '',
    NOTICE,
    '',
    'Keys have the names, types, defaults and checks of Apache Kafka 4.3. They are read from a properties file, from the environment and from the command line; the later goes over the earlier.',
    '',
    '```sh',
    'sluice start server.properties --override log.retention.hours=24',
    'KAFKA_LOG_RETENTION_HOURS=24 sluice start',
    '```',
    '',
    "In the environment a key is written as in Apache Kafka's images: `KAFKA_` and its name in capitals, with `_` for `.`, `__` for `_` and `___` for `-`.",
    '',
    '**Use** says what becomes of a key that is set:',
    '',
    '- *acted*: it has its effect.',
    '- *accepted*: Kafka knows it, and there is no use for it here. It is logged once.',
    '- *protected*: it guards something that is not served yet. It stops the start, so that nothing stands open that is believed closed.',
    '',
    'A key that nobody knows gets a warning with the nearest name. A bad value stops the start with the key, the value and what is allowed.',
    '',
    "**Changes** says whether a key can be changed while the broker runs, with Kafka's tools: for each broker, for the whole cluster (or one broker of it), or not at all.",
    '',
    "## Where defaults differ from Kafka's",
    '',
    '| key | default here | why |',
    '|---|---|---|',
    ...Object.entries(deviations).map(([name, { why }]) =>
      row(code(name), code(brokerDefaultText(name) ?? 'null'), why),
    ),
    '',
    `When an internal topic is created, ${[...cappedByLiveBrokers].map((name) => `\`${name}\``).join(', ')} are lowered to the number of live brokers.`,
    '',
    '## Broker',
    '',
    ...broker,
    '## Topic',
    '',
    "A topic takes what it has no value of its own for from the broker's key.",
    '',
    ...inheritingTable(topicKeys, topicBrokerKey),
    '',
    '## Group',
    '',
    "A group takes what it has no value of its own for from the broker's key.",
    '',
    ...inheritingTable(groupKeys, groupBrokerKey),
    '',
    '## Client metrics',
    '',
    ...inheritingTable(clientMetricsKeys, () => undefined),
  ].join('\n')}\n`
}

const CHANGES = { 'read-only': 'no', 'per-broker': 'each broker', 'cluster-wide': 'cluster' } as const

function brokerTable(table: KeyTable): string[] {
  const rows = Object.entries(table).map(([name, key]) => {
    const others = brokerSynonyms(name).filter((other) => other !== name)
    const doc = others.length === 0 ? key.doc : `${key.doc} See also ${others.map(code).join(', ')}.`
    return row(
      code(name),
      key.type,
      code(brokerDefaultText(name) ?? 'null'),
      valid(key),
      CHANGES[key.update],
      key.use,
      doc,
    )
  })
  return [row('key', 'type', 'default', 'valid', 'changes', 'use', 'what it is for'), rule(7), ...rows]
}

function inheritingTable(table: KeyTable, brokerKeyOf: (name: string) => string | undefined): string[] {
  const rows = Object.entries(table).map(([name, key]) => {
    const above = brokerKeyOf(name)
    const fallback = above === undefined ? '' : code(above)
    return row(
      code(name),
      key.type,
      code(formatDefault(key) ?? 'null'),
      valid(key),
      fallback,
      key.use,
      key.doc,
    )
  })
  return [row('key', 'type', 'default', 'valid', "broker's key", 'use', 'what it is for'), rule(7), ...rows]
}

function metricsPage(): string {
  const rows = Object.entries(metricTable as Readonly<Record<string, MetricDefinition>>).map(
    ([name, { kind, labels, help }]) => row(code(name), kind, labels.map(code).join(', '), help),
  )
  return `${[
    '# Metrics',
    '',
    NOTICE,
    '',
    'With `sluice.http.listener=127.0.0.1:9644` a broker serves `/metrics` in the text format of Prometheus, `/health/live` (200 while the process runs) and `/health/ready` (200 when clients are served, 503 and the reason otherwise). It is off by default.',
    '',
    row('metric', 'kind', 'labels', 'what it says'),
    rule(4),
    ...rows,
    '',
    '## Bounds',
    '',
    'What `sluice_bounds_met_total` counts, by its label `bound`. For each of them the log has a line at once and then one a minute at most, with the address of the peer and how often it was.',
    '',
    row('bound', 'what happens'),
    rule(2),
    ...Object.entries(boundTable).map(([bound, happens]) => row(`\`${bound}\``, happens)),
    '',
    '## Metrics of clients',
    '',
    'Clients push their own metrics to the broker (KIP-714) where a subscription asks for them:',
    '',
    '```sh',
    'kafka-client-metrics.sh --bootstrap-server 127.0.0.1:9092 --alter --name all --metrics \\* --interval 30000',
    '```',
    '',
    `\`/metrics\` shows them under the name that the client gave, with \`client_\` in front, \`_\` for every other character than letters and digits, and \`_total\` behind what is counted: \`org.apache.kafka.producer.connection.creation.total\` is \`client_org_apache_kafka_producer_connection_creation_total\`. Labels are \`client_instance_id\`, \`client_id\`, \`client_software_name\`, \`client_software_version\` and those of the metric (\`topic\`, \`node_id\` …). At most ${MAX_SERIES_PER_CLIENT} series of a client and ${MAX_SERIES} in all are kept; what is beyond counts in \`sluice_telemetry_dropped_total\`. They go when the client is silent for three intervals (a minute at least), or a minute after its last push.`,
  ].join('\n')}\n`
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function rule(columns: number): string {
  return `|${'---|'.repeat(columns)}`
}

function valid(key: Key): string {
  return key.check === undefined || key.check.text === '' ? '' : code(key.check.text)
}

/** Empty text has no code span. */
function code(text: string): string {
  return text === '' ? '' : `\`${text}\``
}

function main(args: readonly string[]): number {
  let stale = 0
  for (const [name, page] of Object.entries(pages)) {
    const path = fileURLToPath(new URL(`../docs/${name}`, import.meta.url))
    if (!args.includes('--check')) writeFileSync(path, page())
    else if (readFileSync(path, 'utf8') !== page()) {
      console.error(`docs/${name} is not current: npm run docs`)
      stale++
    }
  }
  return stale === 0 ? 0 : 1
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
