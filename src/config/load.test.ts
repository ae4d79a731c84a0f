import { describe, expect, test } from 'vitest'
import { ConfigError, type ConfigSources, loadConfig } from './load.ts'

const file = (text: string) => ({ name: 'server.properties', text })

function problemsOf(sources: ConfigSources): readonly string[] {
  try {
    loadConfig(sources)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  throw new Error('the configuration was accepted')
}

describe('sources', () => {
  test('nothing set gives a broker on 127.0.0.1:9092 with its data under ./data', () => {
    const config = loadConfig({})
    expect(config.listeners).toEqual({
      listeners: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 }],
      advertised: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 9092 }],
      interBroker: 'PLAINTEXT',
      warnings: [],
    })
    expect(config.logDirs).toEqual(['./data'])
    expect(config.settings).toMatchObject({ nodeId: 1, brokerId: 1, groupInitialRebalanceDelayMs: 0 })
    expect(config.httpListener).toBeUndefined()
    expect(config.warnings).toEqual([])
    expect(config.unusedKeys).toEqual([])
    expect([...config.explicit]).toEqual([])
  })

  test('an override goes over the environment, that over the file, that over the default', () => {
    const text = 'num.partitions=2\nlog.segment.bytes=2000000\nmessage.max.bytes=5'
    const env = { KAFKA_NUM_PARTITIONS: '3', KAFKA_LOG_SEGMENT_BYTES: '3000000' }
    const { settings } = loadConfig({ file: file(text), env, overrides: { 'num.partitions': '4' } })
    expect(settings).toMatchObject({ numPartitions: 4, logSegmentBytes: 3_000_000, messageMaxBytes: 5 })
    expect(settings.fetchMaxBytes).toBe(57_671_680)
  })

  test("a value keeps its type, and Kafka's largest long is taken", () => {
    const { settings } = loadConfig({
      overrides: {
        'log.flush.interval.messages': '9223372036854775807',
        'log.cleanup.policy': 'compact, delete',
        'auto.create.topics.enable': 'FALSE',
        'log.cleaner.min.cleanable.ratio': '0.25',
      },
    })
    expect(settings).toMatchObject({
      logFlushIntervalMessages: 2 ** 63,
      logCleanupPolicy: ['compact', 'delete'],
      autoCreateTopicsEnable: false,
      logCleanerMinCleanableRatio: 0.25,
    })
  })

  test.each([
    [{ 'broker.id': '7' }, 7],
    [{ 'node.id': '7' }, 7],
    [{ 'node.id': '7', 'broker.id': '7' }, 7],
    [{ 'broker.id': '-1' }, 1],
  ])('the ids of %j are one', (overrides, id) => {
    expect(loadConfig({ overrides }).settings).toMatchObject({ nodeId: id, brokerId: id })
  })

  test('log.dir counts when log.dirs is not set', () => {
    expect(loadConfig({ overrides: { 'log.dir': '/a' } }).logDirs).toEqual(['/a'])
    expect(loadConfig({ overrides: { 'log.dir': '/a', 'log.dirs': '/b,/c' } }).logDirs).toEqual(['/b', '/c'])
  })
})

describe('notices', () => {
  test('a key that Kafka knows and that has no use here is listed once', () => {
    const config = loadConfig({ overrides: { 'num.network.threads': '8', 'num.io.threads': '9' } })
    expect(config.unusedKeys).toEqual(['num.io.threads', 'num.network.threads'])
  })

  test('a key that nobody knows gets a warning with the nearest name', () => {
    const config = loadConfig({
      env: { KAFKA_LISTENRS: 'x', KAFKA_WHATEVER_THIS_IS_ABOUT: '1' },
      overrides: { 'retention.ms': '5', 'max.message.bytes': '5' },
    })
    expect(config.warnings).toEqual([
      'unknown key listenrs (KAFKA_LISTENRS); did you mean listeners?',
      'unknown key whatever.this.is.about (KAFKA_WHATEVER_THIS_IS_ABOUT)',
      'unknown key retention.ms (override); did you mean log.retention.ms?',
      'unknown key max.message.bytes (override); did you mean message.max.bytes?',
    ])
    expect(config.explicit.get('listenrs')).toBe('x')
  })
})

describe('refusals', () => {
  test('every bad value is named with its key, what is allowed and where it was set', () => {
    const text = '# mine\nlog.segment.bytes=5\n'
    const env = { KAFKA_NUM_PARTITIONS: 'many' }
    expect(problemsOf({ file: file(text), env, overrides: { 'compression.type': 'rar' } })).toEqual(
      [
        'Invalid value 5 for configuration log.segment.bytes: Value must be at least 1048576 (server.properties:2)',
        'Invalid value many for configuration num.partitions: Not a number of type INT (KAFKA_NUM_PARTITIONS)',
        'Invalid value rar for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer (override)',
      ].sort((a, b) => order(a) - order(b)),
    )
  })
  /** Problems come in the order of the table: network, logs, cluster. */
  const order = (text: string) =>
    ['compression.type', 'log.segment.bytes', 'num.partitions'].findIndex((key) => text.includes(key))

  test.each([
    ['authorizer.class.name', 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'],
    ['super.users', 'User:admin'],
    ['ssl.keystore.location', '/k.jks'],
    ['ssl.client.auth', 'none'],
    ['ssl.keystore.filename', 'k.jks'],
    ['sasl.enabled.mechanisms', 'PLAIN'],
    ['listener.name.internal.plain.sasl.jaas.config', 'x'],
    ['listener.name.external.ssl.keystore.location', '/k.jks'],
    ['config.providers', 'file'],
  ])('%s stops the start while it is not served', (key, value) => {
    const problems = problemsOf({ overrides: { [key]: value } })
    expect(problems).toEqual([
      `${key} is set, but what it protects is not served yet: remove it to start without that protection (override)`,
    ])
  })

  test('a secret is not repeated in the message', () => {
    expect(problemsOf({ overrides: { 'ssl.key.password': 'hunter2' } }).join()).not.toContain('hunter2')
  })

  test('an empty value of a key that protects asks for nothing', () => {
    expect(loadConfig({ overrides: { 'authorizer.class.name': '' } }).settings.authorizerClassName).toBe('')
  })

  test.each([
    [{ 'log.retention.ms': '0' }, 'log.retention.ms must be unlimited (-1) or, greater than or equal to 1'],
    [{ 'node.id': '1', 'broker.id': '2' }, 'You must set `node.id` to the same value as `broker.id`.'],
    [
      { 'max.connections.per.ip': '0' },
      'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
    ],
    [
      { 'group.consumer.session.timeout.ms': '100' },
      'group.consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms',
    ],
    [
      { 'max.connections.per.ip.overrides': 'here:many' },
      'Invalid value here:many for configuration max.connections.per.ip.overrides: each entry should have the form host:count',
    ],
    [
      { 'sluice.http.listener': '9090' },
      'Invalid value 9090 for configuration sluice.http.listener: it should have the form host:port, with a port between 0 and 65535',
    ],
  ] as [Record<string, string>, string][])('%j is refused', (overrides, problem) => {
    expect(problemsOf({ overrides })).toContain(problem)
  })

  test('a file that is no properties file is refused by its line', () => {
    expect(problemsOf({ file: file('a=1\nb=\\u12') })).toEqual([
      'server.properties: line 2: \\u wants four hexadecimal digits',
    ])
  })
})
