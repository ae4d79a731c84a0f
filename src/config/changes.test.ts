import { describe, expect, test } from 'vitest'
import { noDynamicConfig, refuseBrokerChange, settingsInForce } from './broker-updates.ts'
import { capAtLiveBrokers } from './deviations.ts'
import { groupConfig, refuseGroupConfig } from './group-config.ts'
import { loadConfig } from './load.ts'
import { refuseTopicConfig, topicLogConfig } from './topic-config.ts'

const broker = loadConfig({}).settings
const map = <V>(values: Record<string, V>) => new Map(Object.entries(values))

describe('topics', () => {
  test('a topic has the values of its broker where it has none of its own', () => {
    const { settings } = loadConfig({ overrides: { 'log.roll.hours': '2', 'log.retention.minutes': '3' } })
    const topic = topicLogConfig(map({ 'segment.bytes': '2000000' }), settings)
    expect(topic).toMatchObject({
      segmentBytes: 2_000_000,
      segmentMs: 7_200_000,
      segmentJitterMs: 0,
      retentionMs: 180_000,
      retentionBytes: -1,
      maxMessageBytes: 1_048_588,
      cleanupPolicy: ['delete'],
      flushMs: 2 ** 63,
      compressionType: 'producer',
      messageTimestampType: 'CreateTime',
    })
  })

  test('milliseconds of the broker go over minutes, and these over hours; every negative time is unlimited', () => {
    const overrides = { 'log.retention.hours': '1', 'log.retention.minutes': '2', 'log.retention.ms': '-7' }
    expect(topicLogConfig(new Map(), loadConfig({ overrides }).settings).retentionMs).toBe(-1)
  })

  test.each([
    [{ foo: '1' }, 'Unknown topic config name: foo'],
    [{ toString: '1' }, 'Unknown topic config name: toString'],
    [
      { 'segment.bytes': '5' },
      'Invalid value 5 for configuration segment.bytes: Value must be at least 1048576',
    ],
    [
      { 'retention.ms': 'abc' },
      'Invalid value abc for configuration retention.ms: Not a number of type LONG',
    ],
    [{ 'retention.ms': null }, 'Null value not supported for topic configs: retention.ms'],
    [
      { 'min.compaction.lag.ms': '5', 'max.compaction.lag.ms': '4' },
      'conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (4)',
    ],
    [
      { 'remote.storage.enable': 'true' },
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    ],
    [{ 'local.retention.ms': '500', 'retention.ms': '100', 'cleanup.policy': 'compact,delete' }, undefined],
  ] as [Record<string, string | null>, string | undefined][])('%j', (values, refusal) => {
    expect(refuseTopicConfig(map(values), broker)).toBe(refusal)
  })
})

describe('brokers', () => {
  const refuse = (set: Record<string, string>, perBroker = true) =>
    refuseBrokerChange(map(set), perBroker, broker)

  test.each([
    [{ 'log.dirs': '/x', 'node.id': '2' }, 'Cannot update these configs dynamically: [log.dirs, node.id]'],
    [{ 'log.retention.hours': '2' }, 'Cannot update these configs dynamically: [log.retention.hours]'],
    [{ 'num.io.threads': 'x' }, 'Invalid value x for configuration num.io.threads: Not a number of type INT'],
    [
      { 'num.io.threads': '100' },
      'Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread count update validation failed for num.io.threads=100, value should not be greater than double the current value 8 for configuration Invalid dynamic configuration',
    ],
    [
      { 'num.io.threads': '1' },
      'Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread count update validation failed for num.io.threads=1, value should be at least half the current value 8 for configuration Invalid dynamic configuration',
    ],
    [
      { 'log.cleaner.threads': '3' },
      'Invalid value org.apache.kafka.common.config.ConfigException: Log cleaner threads cannot be increased to more than double the current value 1 for configuration Invalid dynamic configuration',
    ],
    [
      { 'log.cleaner.threads': '0' },
      'requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
    ],
    [
      { 'log.cleaner.dedupe.buffer.size': '1048576' },
      'requirement failed: log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
    ],
    [
      { 'log.retention.ms': '0' },
      'requirement failed: log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
    ],
    [
      { 'ssl.keystore.type': 'JKS' },
      'These security configs can be dynamically updated only per-listener using the listener prefix: [ssl.keystore.type]',
    ],
    [
      { 'leader.replication.throttled.rate': '-1' },
      'Invalid value -1 for configuration leader.replication.throttled.rate: Value must be at least 0',
    ],
    [{ 'foo.bar': 'anything' }, undefined],
    [{ 'log.retention.ms': '5', 'max.connections': '7' }, undefined],
  ] as [Record<string, string>, string | undefined][])('%j', (set, refusal) => {
    expect(refuse(set)).toBe(refusal)
  })

  test('a key of one broker cannot be set for all', () => {
    expect(refuse({ listeners: 'PLAINTEXT://h:1' }, false)).toBe(
      'Cannot update these configs at default cluster level, broker id must be specified: [listeners]',
    )
  })

  test("a broker's own value goes over that for all, and that over the static one", () => {
    const { settings } = loadConfig({
      overrides: { 'log.segment.bytes': '2000000', 'message.max.bytes': '9' },
    })
    expect(settingsInForce(settings, noDynamicConfig)).toEqual(settings)
    const inForce = settingsInForce(settings, {
      cluster: map({ 'log.segment.bytes': '3000000', 'log.retention.ms': '7' }),
      broker: map({ 'log.segment.bytes': '4000000', 'log.retention.bytes': 'broken', 'node.id': '9' }),
    })
    expect(inForce).toMatchObject({
      logSegmentBytes: 4_000_000,
      logRetentionMs: 7,
      logRetentionBytes: -1,
      messageMaxBytes: 9,
      nodeId: 1,
    })
  })
})

describe('groups', () => {
  test.each([
    [{ foo: '5' }, 'Unknown group config name: foo'],
    [
      { 'consumer.session.timeout.ms': 'abc' },
      'Invalid value abc for configuration consumer.session.timeout.ms: Not a number of type INT',
    ],
    [
      { 'consumer.session.timeout.ms': '5' },
      'consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms',
    ],
    [
      { 'share.record.lock.duration.ms': '70000' },
      'share.record.lock.duration.ms must be less than or equal to group.share.max.record.lock.duration.ms',
    ],
    [
      { 'streams.num.standby.replicas': '3' },
      'streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas',
    ],
    [{ 'consumer.heartbeat.interval.ms': '15000', 'consumer.session.timeout.ms': '45000' }, undefined],
    [{ 'share.auto.offset.reset': 'by_duration:PT1H' }, undefined],
  ] as [Record<string, string>, string | undefined][])('%j', (values, refusal) => {
    expect(refuseGroupConfig(map(values), broker)).toBe(refusal)
  })

  test("a group's value is brought within bounds that have changed since", () => {
    const { settings } = loadConfig({ overrides: { 'group.consumer.max.session.timeout.ms': '50000' } })
    const own = map({ 'consumer.session.timeout.ms': '60000' })
    expect(groupConfig(own, settings).consumerSessionTimeoutMs).toBe(50_000)
    expect(groupConfig(new Map(), settings).shareAutoOffsetReset).toBe('latest')
  })
})

test('internal topics never ask for more replicas than there are brokers', () => {
  expect([
    capAtLiveBrokers(3, 1),
    capAtLiveBrokers(3, 2),
    capAtLiveBrokers(2, 5),
    capAtLiveBrokers(3, 0),
  ]).toEqual([1, 2, 2, 1])
})
