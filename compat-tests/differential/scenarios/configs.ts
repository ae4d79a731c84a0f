import { api, versionsOf } from '../apis.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const TOPIC = 2
const BROKER = 4
const BROKER_LOGGER = 8
const CLIENT_METRICS = 16
const GROUP = 32

const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

type Op = readonly [name: string, operation: number, value?: string | null]

export const configs: Scenario = {
  name: 'configs',
  async run(session) {
    await session.makeTopic('configs', 1, { 'retention.ms': '12345', 'cleanup.policy': 'compact' })
    await describe(session)
    await alter(session)
  },
}

async function describe(session: Session): Promise<void> {
  for (const version of versionsOf(api.describeConfigs)) {
    const ask = (
      step: string,
      resourceType: number,
      resourceName: string,
      configurationKeys: string[] | null,
      includeSynonyms = true,
      includeDocumentation = false,
    ) =>
      session.ask(`${step} v${version}`, api.describeConfigs, version, {
        resources: [{ resourceType, resourceName, configurationKeys }],
        includeSynonyms,
        includeDocumentation,
      })
    const some = ['retention.ms', 'cleanup.policy', 'segment.bytes', 'no.such', 'compression.type']
    await ask('some of a topic', TOPIC, 'configs', some)
    await ask('some of a topic without synonyms', TOPIC, 'configs', some, false)
    await ask('a missing topic', TOPIC, 'configs-missing', null)
    await ask('an illegal topic', TOPIC, 'configs/illegal', null)
    await ask('an empty topic', TOPIC, '', null)
    const ofBroker = [
      'num.partitions',
      'log.retention.ms',
      'log.retention.hours',
      'message.max.bytes',
      'no.such',
    ]
    await ask('some of the broker', BROKER, '1', ofBroker)
    await ask('some of all brokers', BROKER, '', ofBroker)
    await ask('another broker', BROKER, '2', null)
    await ask('a broker that is no number', BROKER, 'one', null)
    await ask('some of a group', GROUP, 'configs-group', ['consumer.session.timeout.ms', 'no.such'])
    await ask('an empty group', GROUP, '', null)
    await ask('an empty subscription', CLIENT_METRICS, '', null)
    await ask('an unknown kind', 99, 'x', null)
    await ask('kind 0', 0, 'x', null)
    await ask('another broker’s loggers', BROKER_LOGGER, '2', null)
    await session.ask(`several v${version}`, api.describeConfigs, version, {
      resources: [
        { resourceType: TOPIC, resourceName: 'configs', configurationKeys: ['retention.ms'] },
        { resourceType: TOPIC, resourceName: 'configs-missing', configurationKeys: null },
        { resourceType: BROKER, resourceName: '1', configurationKeys: ['num.partitions'] },
      ],
    })
    await session.ask(`none v${version}`, api.describeConfigs, version, { resources: [] })
  }
  const all = (step: string, resourceType: number, resourceName: string) =>
    session.ask(
      step,
      api.describeConfigs,
      4,
      {
        resources: [{ resourceType, resourceName, configurationKeys: null }],
        includeSynonyms: true,
        includeDocumentation: false,
      },
      // By name, so that what one of the two lacks stands alone; a config that is not set is not interesting.
      ({ results }) => Object.fromEntries(results[0]!.configs.map(({ name, ...config }) => [name, config])),
    )
  await all('all of a topic', TOPIC, 'configs')
  await all('all of the broker', BROKER, '1')
  await all('all of all brokers', BROKER, '')
  await all('all of a group', GROUP, 'configs-group')
  await session.ask(
    'no keys of a topic',
    api.describeConfigs,
    4,
    {
      resources: [{ resourceType: TOPIC, resourceName: 'configs', configurationKeys: [] }],
    },
    ({ results }) => results[0]!.configs.map(({ name }) => name).sort(),
  )
}

async function alter(session: Session): Promise<void> {
  for (const version of versionsOf(api.incrementalAlterConfigs)) {
    const topic = `configs-alter-v${version}`
    await session.makeTopic(topic)
    const ask = (
      step: string,
      resourceType: number,
      resourceName: string,
      ops: readonly Op[],
      validateOnly = false,
    ) =>
      session.ask(`${step} v${version}`, api.incrementalAlterConfigs, version, {
        resources: [
          {
            resourceType,
            resourceName,
            configs: ops.map(([name, configOperation, value = null]) => ({ name, configOperation, value })),
          },
        ],
        validateOnly,
      })
    const of = (step: string, ops: readonly Op[], validateOnly = false) =>
      ask(step, TOPIC, topic, ops, validateOnly)
    const shows = async (
      step: string,
      name: string,
      value: string | null,
      resourceType = TOPIC,
      resourceName = topic,
    ) => {
      const input = {
        resources: [{ resourceType, resourceName, configurationKeys: [name] }],
        includeSynonyms: true,
      }
      await session.until(
        api.describeConfigs,
        4,
        input,
        ({ results }) => (results[0]!.configs[0]?.value ?? null) === value,
      )
      await session.ask(`${step} v${version}`, api.describeConfigs, 4, input)
    }
    await of('set', [['retention.ms', SET, '1000']])
    await shows('after set', 'retention.ms', '1000')
    await of('set two', [
      ['retention.ms', SET, '2000'],
      ['max.message.bytes', SET, '5000'],
    ])
    await shows('after set two', 'max.message.bytes', '5000')
    await of('delete', [['retention.ms', DELETE]])
    await shows('after delete', 'retention.ms', '-1')
    await of('delete what is not set', [['retention.ms', DELETE]])
    await of('append to a list', [['cleanup.policy', APPEND, 'compact']])
    await shows('after append', 'cleanup.policy', 'delete,compact')
    await of('append what is there', [['cleanup.policy', APPEND, 'compact']])
    await of('subtract from a list', [['cleanup.policy', SUBTRACT, 'delete']])
    await shows('after subtract', 'cleanup.policy', 'compact')
    await of('subtract what is not there', [['cleanup.policy', SUBTRACT, 'delete']])
    await of('append to what is no list', [['retention.ms', APPEND, '5']])
    await of('subtract from what is no list', [['retention.ms', SUBTRACT, '5']])
    await of('append to an unknown key', [['no.such', APPEND, '5']])
    await of('append what is not allowed', [['cleanup.policy', APPEND, 'shred']])
    await of('set an unknown key', [['no.such', SET, '5']])
    await of('delete an unknown key', [['no.such', DELETE]])
    await of('set a bad value', [['retention.ms', SET, 'x']])
    await of('set a value out of range', [['segment.bytes', SET, '1']])
    await of('set an empty value', [['retention.ms', SET, '']])
    await of('set null', [['retention.ms', SET, null]])
    await of('append null', [['cleanup.policy', APPEND, null]])
    await of('an unknown operation', [['retention.ms', 7, '5']])
    await of('a negative operation', [['retention.ms', -1, '5']])
    await of('a key twice', [
      ['retention.ms', SET, '1'],
      ['retention.ms', DELETE],
    ])
    await of('a good and a bad key', [
      ['retention.ms', SET, '777'],
      ['segment.bytes', SET, 'x'],
    ])
    await of('validate only', [['retention.ms', SET, '999']], true)
    await of('validate only what is bad', [['retention.ms', SET, 'x']], true)
    await of('no operations', [])
    await shows('after all that', 'retention.ms', '-1')
    await ask('a missing topic to alter', TOPIC, 'configs-missing', [['retention.ms', SET, '5']])
    await ask('an illegal topic to alter', TOPIC, 'configs/illegal', [['retention.ms', SET, '5']])
    await ask('an empty topic to alter', TOPIC, '', [['retention.ms', SET, '5']])
    await ask('a broker', BROKER, '1', [['message.max.bytes', SET, '2000000']])
    await shows('after a broker', 'message.max.bytes', '2000000', BROKER, '1')
    await ask('all brokers', BROKER, '', [['message.max.bytes', SET, '3000000']])
    await shows('after all brokers', 'message.max.bytes', '3000000', BROKER, '')
    await shows('the broker after all brokers', 'message.max.bytes', '2000000', BROKER, '1')
    await ask('a broker back', BROKER, '1', [['message.max.bytes', DELETE]])
    await ask('all brokers back', BROKER, '', [['message.max.bytes', DELETE]])
    await shows('after both are back', 'message.max.bytes', '1048588', BROKER, '1')
    await ask('a read-only key of a broker', BROKER, '1', [['process.roles', SET, 'broker']])
    await ask('a key of a broker that is not dynamic', BROKER, '1', [['num.partitions', SET, '4']])
    await ask('a key of all brokers that is not dynamic', BROKER, '', [['num.partitions', SET, '4']])
    await ask('a bad value of a broker', BROKER, '1', [['message.max.bytes', SET, 'x']])
    await ask('a bad value of all brokers', BROKER, '', [['message.max.bytes', SET, 'x']])
    await ask('an unknown key of a broker', BROKER, '1', [['no.such', SET, '4']])
    await ask('an unknown key of a broker back', BROKER, '1', [['no.such', DELETE]])
    await ask('another broker to alter', BROKER, '2', [['message.max.bytes', SET, '4']])
    await ask('a broker that is no number to alter', BROKER, 'one', [['message.max.bytes', SET, '4']])
    await ask('a group', GROUP, `configs-group-v${version}`, [['consumer.session.timeout.ms', SET, '50000']])
    await shows('after a group', 'consumer.session.timeout.ms', '50000', GROUP, `configs-group-v${version}`)
    await ask('a bad value of a group', GROUP, 'configs-group', [['consumer.session.timeout.ms', SET, 'x']])
    await ask('a group value out of range', GROUP, 'configs-group', [
      ['consumer.session.timeout.ms', SET, '1'],
    ])
    await ask('an unknown key of a group', GROUP, 'configs-group', [['no.such', SET, '1']])
    await ask('an empty group to alter', GROUP, '', [['consumer.session.timeout.ms', SET, '50000']])
    await ask('an unknown kind to alter', 99, 'x', [['a', SET, 'b']])
    await session.ask(`a resource twice v${version}`, api.incrementalAlterConfigs, version, {
      resources: [0, 1].map(() => ({
        resourceType: TOPIC,
        resourceName: topic,
        configs: [{ name: 'retention.ms', configOperation: SET, value: '5' }],
      })),
      validateOnly: false,
    })
    await session.ask(`nothing to alter v${version}`, api.incrementalAlterConfigs, version, {
      resources: [],
      validateOnly: false,
    })
  }
}
