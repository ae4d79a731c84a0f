import { describe, expect, test } from 'vitest'
import { parseCommandLine, UsageError } from './cli.ts'
import { readEnvironment } from './environment.ts'
import { nearestName } from './nearest-name.ts'
import { parseProperties } from './properties-file.ts'

const properties = (text: string) => parseProperties(text).map(({ key, value }) => [key, value])

describe("a file follows the rules of Java's Properties", () => {
  test.each([
    ['a=1', [['a', '1']]],
    ['a:1', [['a', '1']]],
    ['a 1', [['a', '1']]],
    ['  a \t = \t 1 ', [['a', '1 ']]],
    ['a', [['a', '']]],
    ['a==1', [['a', '=1']]],
    ['a: =1', [['a', '=1']]],
    ['# a=1\n! b=2\n\n  #c=3\nd=4', [['d', '4']]],
    ['a=1,\\\n   2,\\\r\n   3', [['a', '1,2,3']]],
    [
      'a=1\\\\\nb=2',
      [
        ['a', '1\\'],
        ['b', '2'],
      ],
    ],
    ['a\\ b=1', [['a b', '1']]],
    ['a\\=b\\:c=1', [['a=b:c', '1']]],
    ['a=\\u00e9\\t\\n\\q', [['a', 'é\t\nq']]],
    ['a=1\\', [['a', '1']]],
    ['a=1\\\n# not a comment', [['a', '1# not a comment']]],
    [
      'a=1\ra=2',
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
    ['', []],
  ] as [string, string[][]][])('%j', (text, expected) => {
    expect(properties(text)).toEqual(expected)
  })

  test('an entry knows its line', () => {
    expect(parseProperties('\n# x\na=1\\\n2\nb=3').map(({ line }) => line)).toEqual([3, 5])
  })
})

describe("the environment follows the rule of Kafka's images", () => {
  const keys = (env: Record<string, string>) => readEnvironment(env).map(({ key }) => key)

  test.each([
    ['KAFKA_LOG_DIRS', 'log.dirs'],
    ['KAFKA_MY__KEY', 'my_key'],
    ['KAFKA_LISTENER_NAME_A_SCRAM___SHA___256_SASL', 'listener.name.a.scram-sha-256.sasl'],
    ['KAFKA_SLUICE_HTTP_LISTENER', 'sluice.http.listener'],
  ])('%s is %s', (variable, key) => {
    expect(keys({ [variable]: 'x' })).toEqual([key])
  })

  test.each([
    'KAFKA_VERSION',
    'KAFKA_HEAP_OPTS',
    'KAFKA_OPTS',
    'KAFKA_JMX_PORT',
    'KAFKA_LOG4J_LOGGERS',
    'KAFKA_LOG4J_OPTS',
    'KAFKA_GC_LOG_OPTS',
    'KAFKA_JVM_PERFORMANCE_OPTS',
    'KAFKA_',
    'PATH',
    'CLUSTER_ID',
  ])('%s is no key', (variable) => {
    expect(keys({ [variable]: 'x' })).toEqual([])
  })
})

describe('the command line', () => {
  test('start takes a file and overrides in any order, and a value may hold =', () => {
    const args = ['start', '--override', 'a=1', 'server.properties', '--override=b=x=y', '--override', 'c=']
    expect(parseCommandLine(args)).toEqual({
      command: 'start',
      file: 'server.properties',
      overrides: { a: '1', b: 'x=y', c: '' },
    })
  })

  test('start alone is enough', () => {
    expect(parseCommandLine(['start'])).toEqual({ command: 'start', file: undefined, overrides: {} })
  })

  test.each([
    [['--help'], 'help'],
    [['start', '--help'], 'help'],
    [['--version'], 'version'],
  ])('%j', (args, command) => {
    expect(parseCommandLine(args).command).toBe(command)
  })

  test.each([
    [[], 'a command is expected: sluice start'],
    [['stop'], 'unknown command stop: the only one is start'],
    [['start', '--daemon'], 'unknown option --daemon: start takes --override, --help and --version'],
    [['start', '--override'], '--override is to be followed by key=value'],
    [['start', '--override', 'a'], '--override a: key=value is expected'],
    [['start', '--override', '=a'], '--override =a: key=value is expected'],
    [['start', 'a', 'b'], 'one configuration file is expected, not both a and b'],
  ] as [string[], string][])('%j is refused', (args, message) => {
    expect(() => parseCommandLine(args)).toThrow(new UsageError(message))
  })
})

test('the nearest name is a few letters away, or there is none', () => {
  expect(nearestName('num.partition', ['num.partitions', 'node.id'])).toBe('num.partitions')
  expect(nearestName('zookeeper.connect', ['num.partitions', 'node.id'])).toBeUndefined()
})
