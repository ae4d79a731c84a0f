/** Writes COMPATIBILITY.md. With `--check` it only says whether that is current. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type CompatSuite, suites } from '../compat-tests/registry.ts'
import { servedRanges } from '../src/apis/table.ts'
import { deviations } from '../src/config/deviations.ts'
import { apis } from '../src/wire/apis.ts'

const path = fileURLToPath(new URL('../COMPATIBILITY.md', import.meta.url))

/** What is done otherwise than Apache Kafka 4.3 does it, on purpose. */
const differences = `- **Records are validated by their batch's header.** What the header says is checked as Kafka checks it: CRC, size, count, timestamps, magic, producer fields. The records inside are walked only where something needs them (a compacted topic, a \`compression.type\` other than \`producer\`), because the batch that a producer sent is the batch on disk. A batch with a right CRC and broken records inside is refused by Kafka and stored here. \`sluice.validate.records=true\` walks every record.
- **A topic that is made automatically is complete in the Metadata answer.** Kafka answers LEADER_NOT_AVAILABLE first and lets the client ask again. The same holds for internal topics: they are ready before the port opens, so no FindCoordinator is answered COORDINATOR_NOT_AVAILABLE for want of them.
- **EndTxn waits for its markers for up to a second** and says then that the transaction is complete, where Kafka answers when it is decided: whoever comes next seldom sees CONCURRENT_TRANSACTIONS, which not every client retries everywhere. InitProducerId and AddPartitionsToTxn wait likewise.
- **Broker loggers** are the parts of the broker (\`sluice.net\`, \`sluice.groups\` …), not Kafka's classes; nothing logs at TRACE or FATAL.
- **A running broker cannot be unregistered.** Kafka forgets it, which leaves it without use until it is started again; here UnregisterBroker answers INVALID_REQUEST.
- **Patterns of client metrics** are RE2 where Kafka takes Java's: no backreferences, no lookaround.
- **Client telemetry** (KIP-714) is received by the broker itself, so GetTelemetrySubscriptions and PushTelemetry are advertised, which Kafka does only with a plugin. Patterns of subscriptions are RE2, without lookaround and backreferences. Gauges and sums are kept; histograms are counted and passed over.
- **The quota \`request_percentage\`** is the share of the event loop's time: 100 is the whole loop. Kafka counts the time of its threads, of which each is 100. What the kernel needs to read a request is not counted. Infinite percentages, and such as are no numbers, are refused.
- **A log directory that is taken out of \`log.dirs\`** leaves its partitions offline, without a leader, until it is named again or their topics are deleted. Kafka makes empty logs of them in the other directories, and stops over the duplicates when it is named again.
- **A kill in the middle of a move between log directories** leaves one of the two copies as the log. Kafka may find both at its next start, and stops.
- **A partition that is found in two log directories** stops the start, as in Kafka, unless one of the two has no topic id or no records, which is what a failed disk or a kill leaves of making it. That one is left alone, with a warning.
- **A full disk is not a failed one.** What does not fit is refused with KAFKA_STORAGE_ERROR (a commit with NOT_COORDINATOR), what is there is read on, and all goes on by itself when there is room; Kafka takes the log directory offline, and halts when it is the last.
- **Keys that protect stop the start** until what they ask for is served: listener protocols other than PLAINTEXT, \`authorizer.class.name\`, \`ssl.*\`, \`sasl.*\`, \`super.users\`, \`config.providers\`.
- **Replication factors and minimum ISR of internal topics** are capped at the number of live brokers when the topic is made, so that one broker is enough under Kafka's defaults.
- **Old versions.** Kafka 4 refuses Produce below v3, Fetch below v4 and others; here they are served as Kafka 3.9 did, messages of formats 0 and 1 converted both ways. Offsets of OffsetCommit and OffsetFetch v0, which Kafka kept in ZooKeeper, are where all others are. A Fetch below v3 whose limit is smaller than the next batch gets the messages that fit, the last one cut off, where Kafka 3.9 sends nothing. Control records have no message in old formats: a fetch reads on behind them, where Kafka 3.9 sends a message that no limit holds.
- **Groups.** A request that is still parked when its member sends the same again is answered REBALANCE_IN_PROGRESS, and UNKNOWN_MEMBER_ID when its member leaves; Kafka drops the former without an answer. A join that is refused leaves no empty group behind. Where two assignors have as many votes, the member that joined first decides.`

export function compatibilityPage(): string {
  return `${[
    '# Compatibility',
    '',
    '<!-- Made by `node scripts/compatibility.ts` from the handler table, the configuration and compat-tests/registry.ts. -->',
    '',
    'Sluice speaks the protocol of Apache Kafka 4.3, and the versions of it that Kafka 4 dropped. This page says which APIs it serves, which clients are tested against it and how it differs on purpose. What is not listed as a difference is meant to be as in Kafka; where it is not, that is a bug.',
    '',
    '## APIs',
    '',
    'ApiVersions advertises exactly these. A client is named where a suite was seen to use that version.',
    '',
    row('key', 'API', 'versions', 'clients'),
    rule(4),
    ...servedRanges.map(({ apiKey, minVersion, maxVersion }) =>
      row(
        String(apiKey),
        apiName(apiKey),
        minVersion === maxVersion ? String(minVersion) : `${minVersion}–${maxVersion}`,
        suites
          .flatMap(({ client, speaks }) => {
            const versions = speaks[apiName(apiKey)]
            return versions === undefined ? [] : [`${client} (${versions.map((v) => `v${v}`).join(', ')})`]
          })
          .join('; '),
      ),
    ),
    '',
    `Not served yet: ${unserved().join(', ')}.`,
    '',
    '## Clients',
    '',
    row('client', 'version', 'runs in', 'suite', 'what it covers'),
    rule(5),
    ...suites.map(({ client, version, runs, folder, covers }: CompatSuite) =>
      row(client, version, `\`${runs}\``, `\`compat-tests/${folder}\``, covers),
    ),
    '',
    '## Differences',
    '',
    differences,
    '',
    "Defaults that differ from Kafka's:",
    '',
    row('key', 'why'),
    rule(2),
    ...Object.entries(deviations).map(([name, { why }]) => row(`\`${name}\``, why)),
  ].join('\n')}\n`
}

function apiName(apiKey: number): string {
  // The table holds declared APIs only.
  return apis.find(({ key }) => key === apiKey)!.name
}

function unserved(): string[] {
  const served = new Set(servedRanges.map(({ apiKey }) => apiKey))
  return apis.filter(({ key }) => !served.has(key)).map(({ name }) => name)
}

function row(...cells: string[]): string {
  return `| ${cells.join(' | ')} |`
}

function rule(columns: number): string {
  return `|${'---|'.repeat(columns)}`
}

function main(args: readonly string[]): number {
  const page = compatibilityPage()
  if (!args.includes('--check')) writeFileSync(path, page)
  else if (readFileSync(path, 'utf8') !== page) {
    console.error('COMPATIBILITY.md is not current: node scripts/compatibility.ts')
    return 1
  }
  return 0
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
