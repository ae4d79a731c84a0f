import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { noDynamicConfig } from './broker-updates.ts'
import {
  type ConfigEntry,
  ConfigSource,
  describeAllBrokers,
  describeBroker,
  describeClientMetrics,
  describeGroup,
  describeTopic,
} from './describe.ts'
import { deviations } from './deviations.ts'
import { loadConfig } from './load.ts'

interface KafkaEntry {
  name: string
  value: string | null
  source: string
  readOnly: boolean
  sensitive: boolean
  type: string
  synonyms: [source: string, name: string, value: string | null][]
}

/** What Kafka 4.3.1 answered under the configuration that is set up below. */
const kafka = JSON.parse(
  readFileSync(new URL('./fixtures/described-by-kafka.json', import.meta.url), 'utf8'),
) as Record<string, KafkaEntry[]>

const config = loadConfig({
  overrides: {
    'node.id': '1',
    'process.roles': 'broker,controller',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': '1@localhost:27311',
    listeners: 'PLAINTEXT://127.0.0.1:27310,CONTROLLER://127.0.0.1:27311',
    'advertised.listeners': 'PLAINTEXT://127.0.0.1:27310',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'log.retention.hours': '24',
    'log.roll.ms': '7200000',
    'log.flush.scheduler.interval.ms': '5000',
    'compression.type': 'lz4',
    'message.max.bytes': '2000000',
    'group.consumer.session.timeout.ms': '50000',
    'my.custom.key': 'hello',
  },
})
const dynamic = {
  cluster: new Map([
    ['log.segment.bytes', '4194304'],
    ['log.retention.ms', '90000000'],
    ['min.insync.replicas', '1'],
  ]),
  broker: new Map([
    ['max.connections', '500'],
    ['log.retention.bytes', '9999999'],
    ['foo.bar', '1'],
    ['log.segment.bytes', '5242880'],
  ]),
}

const SOURCES: Record<number, string> = {
  1: 'DYNAMIC_TOPIC_CONFIG',
  2: 'DYNAMIC_BROKER_CONFIG',
  3: 'DYNAMIC_DEFAULT_BROKER_CONFIG',
  4: 'STATIC_BROKER_CONFIG',
  5: 'DEFAULT_CONFIG',
  8: 'DYNAMIC_GROUP_CONFIG',
}
const TYPES = ['UNKNOWN', 'BOOLEAN', 'STRING', 'INT', 'SHORT', 'LONG', 'DOUBLE', 'LIST', 'CLASS', 'PASSWORD']

function inKafkasWords(entries: readonly ConfigEntry[]): KafkaEntry[] {
  return entries
    .map((entry) => ({
      name: entry.name,
      value: entry.value,
      source: SOURCES[entry.configSource]!,
      readOnly: entry.readOnly,
      sensitive: entry.isSensitive,
      type: TYPES[entry.configType]!,
      synonyms: entry.synonyms.map(({ source, name, value }): KafkaEntry['synonyms'][number] => [
        SOURCES[source]!,
        name,
        value,
      ]),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

describe('names, values, sources, types and synonyms are those of Kafka', () => {
  test('of a topic without values of its own', () => {
    expect(inKafkasWords(describeTopic(new Map(), config, dynamic))).toEqual(kafka['TOPIC plain'])
  })

  test('of a topic with values of its own', () => {
    const own = new Map([
      ['segment.ms', '3600000'],
      ['cleanup.policy', 'compact,delete'],
      ['min.cleanable.dirty.ratio', '0.25'],
      ['retention.bytes', '12345678901'],
    ])
    expect(inKafkasWords(describeTopic(own, config, dynamic))).toEqual(kafka['TOPIC own'])
  })

  test('of a broker', () => {
    // These three have defaults of our own, the log directory is another, and Kafka shows the default of
    // log.retention.hours as its value when log.retention.ms was set at run time.
    const apart = new Set([
      'group.initial.rebalance.delay.ms',
      'listeners',
      'log.dirs',
      'log.retention.hours',
    ])
    const comparable = (entries: readonly KafkaEntry[]) =>
      entries
        .filter(({ name }) => !apart.has(name) && !name.startsWith('sluice.'))
        .map((entry) => ({
          ...entry,
          synonyms: entry.synonyms.filter(
            ([source, name]) => source !== 'DEFAULT_CONFIG' || !REQUIRED_BY_KAFKA.has(name),
          ),
        }))
    const ours = comparable(inKafkasWords(describeBroker(config, dynamic)))
    expect(ours).toEqual(comparable(kafka['BROKER 1']!))
    expect(ours.length).toBeGreaterThan(330)
  })
  const REQUIRED_BY_KAFKA = new Set(['node.id', 'process.roles', 'controller.listener.names'])

  test('of all brokers together', () => {
    expect(inKafkasWords(describeAllBrokers(dynamic))).toEqual(kafka['BROKER '])
  })

  test('of a group, whether or not it has values of its own', () => {
    const own = new Map([
      ['consumer.session.timeout.ms', '46000'],
      ['share.auto.offset.reset', 'earliest'],
    ])
    expect(inKafkasWords(describeGroup(own, config, dynamic))).toEqual(kafka['GROUP gg'])
    expect(inKafkasWords(describeGroup(new Map(), config, dynamic))).toEqual(kafka['GROUP none'])
  })
})

test('only the names that were asked for are described, and unknown ones are left out', () => {
  const names = ['retention.ms', 'nope', 'toString']
  expect(describeTopic(new Map(), config, dynamic, names).map(({ name }) => name)).toEqual(['retention.ms'])
  expect(describeBroker(config, dynamic, names)).toEqual([])
  expect(describeGroup(new Map(), config, dynamic, names)).toEqual([])
})

test('a secret is never shown', () => {
  const layers = { ...noDynamicConfig, broker: new Map([['ssl.key.password', 'hunter2']]) }
  const [entry] = describeBroker(config, layers, ['ssl.key.password'])
  expect(entry).toMatchObject({ value: null, isSensitive: true, configSource: 2 })
  expect(JSON.stringify(describeBroker(config, layers))).not.toContain('hunter2')
})

test('a throttle is shown where it was set, with its layers, and nowhere else', () => {
  const config = loadConfig({})
  const key = 'leader.replication.throttled.rate'
  const layers = { cluster: new Map([[key, '2000']]), broker: new Map([[key, '1000']]) }
  expect(describeBroker(config, noDynamicConfig, [key])).toEqual([])
  expect(describeBroker(config, layers, [key])).toEqual([
    expect.objectContaining({
      value: '1000',
      readOnly: false,
      isSensitive: false,
      synonyms: [
        { name: key, value: '1000', source: ConfigSource.DYNAMIC_BROKER_CONFIG },
        { name: key, value: '2000', source: ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG },
      ],
    }),
  ])
  expect(describeAllBrokers(layers, [key])).toEqual([expect.objectContaining({ value: '2000' })])
})

test('a subscription to client metrics shows its own values over the defaults', () => {
  expect(describeClientMetrics(new Map([['interval.ms', '1000']]))).toMatchObject([
    { name: 'interval.ms', value: '1000', configSource: ConfigSource.CLIENT_METRICS_CONFIG },
    { name: 'match', value: '', configSource: ConfigSource.DEFAULT_CONFIG },
    { name: 'metrics', value: '', configSource: ConfigSource.DEFAULT_CONFIG },
  ])
})

describe("without any configuration every key of Kafka's own list is described at Kafka's default", () => {
  const bare = loadConfig({})
  const described: Readonly<Record<string, readonly ConfigEntry[]>> = {
    Broker: describeBroker(bare, noDynamicConfig),
    Topic: describeTopic(new Map(), bare, noDynamicConfig),
    Group: describeGroup(new Map(), bare, noDynamicConfig),
  }
  const list = readFileSync(new URL('./fixtures/configs.md', import.meta.url), 'utf8')

  test.each(Object.keys(described))('%s', (section) => {
    const rows = list
      .split('\n## ')
      .find((part) => part.startsWith(section))!
      .matchAll(/^\| (?!key )(\S+) \| \S+ \| (.*?) \|/gm)
    const defaults = Object.fromEntries(Array.from(rows, ([, name, value]) => [name!, value!]))
    const entries = described[section]!.filter(({ name }) => !name.startsWith('sluice.'))
    const shown = Object.fromEntries(
      entries.map(({ name, value, configType }) => [
        name,
        // The id of a broker is that of its node.
        name === 'broker.id' || Object.hasOwn(deviations, name)
          ? defaults[name]
          : asListed(value, TYPES[configType]!),
      ]),
    )
    expect(Object.keys(defaults).length).toBeGreaterThan(15)
    expect(shown).toEqual(defaults)
  })

  /** As the list writes it: lists in brackets, classes by their last name. */
  function asListed(value: string | null, type: string): string {
    if (value === null) return 'null'
    if (value === '' && type !== 'LIST') return '""'
    const short = value.replace(/\borg\.[\w.]*\./g, '')
    if (type === 'CLASS') return `class ${short}`
    return type === 'LIST' ? `[${short.replaceAll(',', ', ')}]` : short
  }
})
