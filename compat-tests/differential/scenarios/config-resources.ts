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
type Configs = Readonly<Record<string, string | null>>

/** All kinds of resources with configs beside topics, and AlterConfigs, which replaces what a resource has. */
export const configResources: Scenario = {
  name: 'config-resources',
  async run(session) {
    await replace(session)
    await brokerNames(session)
    await loggers(session)
    await clientMetrics(session)
    await groups(session)
    await several(session)
    await list(session)
  },
}

async function replace(session: Session): Promise<void> {
  for (const version of versionsOf(api.alterConfigs)) {
    const topic = `config-resources-v${version}`
    await session.makeTopic(topic, 1, { 'retention.ms': '5000', 'max.message.bytes': '6000' })
    const ask = (
      step: string,
      configs: Configs,
      validateOnly = false,
      resourceType = TOPIC,
      resourceName = topic,
    ) =>
      session.ask(`replace: ${step} v${version}`, api.alterConfigs, version, {
        resources: [{ resourceType, resourceName, configs: pairs(configs) }],
        validateOnly,
      })
    const shows = (step: string, configs: Configs) =>
      own(session, `replace: ${step} v${version}`, TOPIC, topic, configs)
    await ask('one', { 'retention.ms': '7000' })
    await shows('after one', { 'retention.ms': '7000' })
    await ask('another', { 'cleanup.policy': 'compact' })
    await shows('after another', { 'cleanup.policy': 'compact' })
    await ask('a bad value', { 'retention.ms': 'x' })
    await ask('a good and a bad value', { 'segment.ms': '5000', 'retention.ms': 'x' })
    await ask('an unknown key', { 'no.such': '1' })
    await ask('a null', { 'retention.ms': null })
    await ask('validate only', { 'retention.ms': '1' }, true)
    await ask('validate only what is bad', { 'retention.ms': 'x' }, true)
    await shows('after what was refused', { 'cleanup.policy': 'compact' })
    await session.ask(`replace: a key twice v${version}`, api.alterConfigs, version, {
      resources: [
        {
          resourceType: TOPIC,
          resourceName: topic,
          configs: ['1', '2'].map((value) => ({ name: 'retention.ms', value })),
        },
      ],
      validateOnly: false,
    })
    await ask('with nothing', {})
    await shows('after nothing', {})
    await ask('a missing topic', { 'retention.ms': '1' }, false, TOPIC, 'config-resources-missing')
    await ask('an illegal topic', { 'retention.ms': '1' }, false, TOPIC, 'config/illegal')
    await ask('an empty topic', { 'retention.ms': '1' }, false, TOPIC, '')
    await ask('all brokers', { 'message.max.bytes': '2000001' }, false, BROKER, '')
    await own(session, `replace: after all brokers v${version}`, BROKER, '', {
      'message.max.bytes': '2000001',
    })
    await ask('all brokers with another', { 'background.threads': '11' }, false, BROKER, '')
    await own(session, `replace: after all brokers with another v${version}`, BROKER, '', {
      'background.threads': '11',
    })
    await ask('all brokers with nothing', {}, false, BROKER, '')
    await own(session, `replace: after all brokers with nothing v${version}`, BROKER, '', {})
    await ask('a broker', { 'message.max.bytes': '2000002' }, false, BROKER, '1')
    await own(session, `replace: after a broker v${version}`, BROKER, '1', { 'message.max.bytes': '2000002' })
    await ask('a broker with what is read-only', { 'process.roles': 'broker' }, false, BROKER, '1')
    await ask('a broker with what is bad', { 'message.max.bytes': 'x' }, false, BROKER, '1')
    await ask('a broker with an unknown key', { 'no.such': 'x' }, true, BROKER, '1')
    await ask('a broker with nothing', {}, false, BROKER, '1')
    await own(session, `replace: after a broker with nothing v${version}`, BROKER, '1', {})
    await ask('another broker', { 'message.max.bytes': '2000002' }, false, BROKER, '2')
    await ask('a broker that is no number', { 'message.max.bytes': '2000002' }, false, BROKER, 'one')
    await ask('loggers', { root: 'INFO' }, false, BROKER_LOGGER, '1')
    await ask('an unknown kind', { a: 'b' }, false, 99, 'x')
    await ask('kind 0', { a: 'b' }, false, 0, 'x')
    await session.ask(`replace: no resource v${version}`, api.alterConfigs, version, {
      resources: [],
      validateOnly: false,
    })
  }
}

/** What else Java reads as the number of the broker is taken and has no effect. */
async function brokerNames(session: Session): Promise<void> {
  for (const name of ['01', '+1', '1', '-1', '007', ' 1', '1 ', '99999999999', '1.0', '0x1']) {
    const step = (text: string) => `broker '${name}': ${text}`
    await edit(session, step('set'), BROKER, name, [['message.max.bytes', SET, '1111111']])
    if (name === '1') await own(session, step('after set'), BROKER, '1', { 'message.max.bytes': '1111111' })
    await describe(session, step('described'), BROKER, name, ['message.max.bytes', 'num.partitions'])
    await edit(session, step('back'), BROKER, name, [['message.max.bytes', DELETE]])
    if (name === '1') await own(session, step('after back'), BROKER, '1', {})
    await edit(session, step('loggers'), BROKER_LOGGER, name, [['root', SET, 'WARN']], true)
    await describe(session, step('loggers described'), BROKER_LOGGER, name, ['no.such'])
  }
}

async function loggers(session: Session): Promise<void> {
  const alter = (step: string, ops: readonly Op[], validateOnly = false) =>
    edit(session, `loggers: ${step}`, BROKER_LOGGER, '1', ops, validateOnly)
  const shows = (step: string) => describe(session, `loggers: ${step}`, BROKER_LOGGER, '1', ['root'])
  await alter('set', [['root', SET, 'ERROR']])
  await shows('after set')
  await alter('validate only', [['root', SET, 'TRACE']], true)
  await shows('after validate only')
  for (const level of ['LOUD', 'debug', 'OFF', '']) await alter(`level '${level}'`, [['root', SET, level]])
  await alter('null', [['root', SET, null]])
  await alter('root taken away', [['root', DELETE]])
  await alter('an unknown one', [['no.such', SET, 'INFO']])
  await alter('an unknown one taken away', [['no.such', DELETE]])
  await alter('append', [['root', APPEND, 'INFO']])
  await alter('subtract', [['root', SUBTRACT, 'INFO']])
  await alter('a good and a bad one', [
    ['root', SET, 'FATAL'],
    ['no.such', SET, 'INFO'],
  ])
  await alter('twice', [
    ['root', SET, 'INFO'],
    ['root', SET, 'WARN'],
  ])
  await alter('none', [])
  await shows('after what was refused')
  await edit(session, 'loggers: of no broker', BROKER_LOGGER, '', [['root', SET, 'INFO']])
  await describe(session, 'loggers: described of no broker', BROKER_LOGGER, '', ['root'])
  await alter('back', [['root', SET, 'WARN']])
}

async function clientMetrics(session: Session): Promise<void> {
  const name = 'config-resources-metrics'
  const alter = (step: string, ops: readonly Op[], resourceName = name, validateOnly = false) =>
    edit(session, `client metrics: ${step}`, CLIENT_METRICS, resourceName, ops, validateOnly)
  const trials: Readonly<Record<string, readonly string[]>> = {
    'interval.ms': ['60000', '100', '3600000', '99', '3600001', 'x', '', '-1', ' 500 '],
    metrics: ['', '*', 'a,b', 'a,a', 'a,,b', 'a, b'],
    match: [
      '',
      'client_id=a',
      'client_id=[a',
      'client_id=a,client_id=b',
      'no.such=a',
      'client_id',
      'client_id=',
      '=a',
      'client_id=a=b',
      'client_id=a=',
      ' client_id = a ',
      'client_id=(?<=a)b',
      'client_id=(a)\\1',
      'client_source_port=9,client_source_address=1,client_software_name=a,client_software_version=1,client_instance_id=a',
    ],
    'no.such': ['1'],
  }
  for (const [key, values] of Object.entries(trials)) {
    for (const value of values) await alter(`${key}='${value}'`, [[key, SET, value]], name, true)
  }
  await alter('set', [
    ['interval.ms', SET, '60000'],
    ['metrics', SET, 'a,a,b'],
  ])
  await own(session, 'client metrics: after set', CLIENT_METRICS, name, {
    'interval.ms': '60000',
    metrics: 'a,b',
  })
  await alter('a good and a bad one', [
    ['interval.ms', SET, '70000'],
    ['match', SET, 'no.such=x'],
  ])
  await alter('append', [['metrics', APPEND, 'c']])
  await alter('subtract', [['metrics', SUBTRACT, 'a']])
  await alter('an unknown key taken away', [['no.such', DELETE]])
  await alter('one taken away', [['interval.ms', DELETE]])
  await own(session, 'client metrics: after one is taken away', CLIENT_METRICS, name, { metrics: 'a,b' })
  await describe(session, 'client metrics: all', CLIENT_METRICS, name, null)
  await describe(session, 'client metrics: of a missing one', CLIENT_METRICS, 'no.such', null)
  await alter('an empty name', [['interval.ms', SET, '60000']], '')
  await alter('any name', [['interval.ms', SET, '60000']], 'a/b c', true)
  await session.ask('client metrics: replaced', api.alterConfigs, 2, {
    resources: [
      { resourceType: CLIENT_METRICS, resourceName: name, configs: pairs({ match: 'client_id=x' }) },
    ],
    validateOnly: false,
  })
  await own(session, 'client metrics: after replaced', CLIENT_METRICS, name, { match: 'client_id=x' })
}

async function groups(session: Session): Promise<void> {
  const name = 'config-resources-group'
  await session.ask('group: replaced', api.alterConfigs, 2, {
    resources: [
      { resourceType: GROUP, resourceName: name, configs: pairs({ 'consumer.session.timeout.ms': '50000' }) },
    ],
    validateOnly: false,
  })
  await own(session, 'group: after replaced', GROUP, name, { 'consumer.session.timeout.ms': '50000' })
  await edit(session, 'group: append', GROUP, name, [['share.auto.offset.reset', APPEND, 'x']])
  await edit(session, 'group: two that do not fit together', GROUP, name, [
    ['consumer.session.timeout.ms', SET, '45000'],
    ['consumer.heartbeat.interval.ms', SET, '15000'],
  ])
  for (const [key, value] of [
    ['consumer.heartbeat.interval.ms', '1'],
    ['consumer.heartbeat.interval.ms', '99999999'],
    ['share.auto.offset.reset', 'sometime'],
    ['share.isolation.level', 'read_all'],
    ['streams.num.standby.replicas', '99'],
  ] as const) {
    await edit(session, `group: ${key}=${value}`, GROUP, name, [[key, SET, value]])
  }
  await session.ask('group: replaced with nothing', api.alterConfigs, 2, {
    resources: [{ resourceType: GROUP, resourceName: `${name}-2`, configs: [] }],
    validateOnly: false,
  })
}

async function several(session: Session): Promise<void> {
  await session.makeTopic('config-resources-good')
  await session.ask('several: one good', api.incrementalAlterConfigs, 1, {
    resources: [
      { resourceType: TOPIC, resourceName: 'config-resources-good', configs: [['retention.ms', '8000']] },
      { resourceType: TOPIC, resourceName: 'config-resources-missing', configs: [['retention.ms', '8000']] },
      { resourceType: BROKER, resourceName: '9', configs: [['message.max.bytes', '8000']] },
      { resourceType: BROKER_LOGGER, resourceName: '1', configs: [['no.such', 'INFO']] },
      { resourceType: CLIENT_METRICS, resourceName: '', configs: [['metrics', '*']] },
      { resourceType: GROUP, resourceName: 'config-resources-g', configs: [['no.such', '1']] },
      { resourceType: 77, resourceName: 'x', configs: [] },
    ].map((resource) => ({
      ...resource,
      configs: resource.configs.map(([name, value]) => ({
        name: name!,
        configOperation: SET,
        value: value!,
      })),
    })),
    validateOnly: false,
  })
  await own(session, 'several: the good one', TOPIC, 'config-resources-good', { 'retention.ms': '8000' })
}

async function list(session: Session): Promise<void> {
  for (const version of versionsOf(api.listConfigResources)) {
    const ask = (step: string, resourceTypes: number[]) =>
      session.ask(
        `list: ${step} v${version}`,
        api.listConfigResources,
        version,
        { resourceTypes },
        ({ configResources, ...rest }) => ({
          ...rest,
          // Those of other scenarios, and internal topics, come and go.
          configResources: configResources.filter(({ resourceName }) =>
            /^(config-resources-(good|metrics|group)|1)$/.test(resourceName),
          ),
        }),
      )
    await ask('none', [])
    for (const type of [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP])
      await ask(`type ${type}`, [type])
    await ask('two', [GROUP, CLIENT_METRICS])
    await ask('one twice', [GROUP, GROUP])
    for (const type of [0, 1, 3, 64, -1]) await ask(`unknown type ${type}`, [type])
    await ask('a known and an unknown one', [GROUP, 99])
  }
}

function pairs(configs: Configs): { name: string; value: string | null }[] {
  return Object.entries(configs).map(([name, value]) => ({ name, value }))
}

function edit(
  session: Session,
  step: string,
  resourceType: number,
  resourceName: string,
  ops: readonly Op[],
  validateOnly = false,
) {
  return session.ask(step, api.incrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType,
        resourceName,
        configs: ops.map(([name, configOperation, value = null]) => ({ name, configOperation, value })),
      },
    ],
    validateOnly,
  })
}

function describe(
  session: Session,
  step: string,
  resourceType: number,
  resourceName: string,
  configurationKeys: string[] | null,
) {
  return session.ask(step, api.describeConfigs, 4, {
    resources: [{ resourceType, resourceName, configurationKeys }],
    includeSynonyms: true,
    includeDocumentation: false,
  })
}

/** Sources of what is set for a resource itself: topic, broker, all brokers, client metrics, group. */
const OWN_SOURCES: ReadonlySet<number> = new Set([1, 2, 3, 7, 8])

/** What the resource has of its own, once that is what is expected: Kafka's brokers learn of a change later. */
async function own(
  session: Session,
  step: string,
  resourceType: number,
  resourceName: string,
  expected: Configs,
): Promise<void> {
  const ownOf = (configs: readonly { name: string; value: string | null; configSource: number }[]) =>
    Object.fromEntries(
      configs
        .filter(({ configSource }) => OWN_SOURCES.has(configSource))
        .map(({ name, value }) => [name, value] as const)
        .sort(),
    )
  const wanted = JSON.stringify(Object.fromEntries(Object.entries(expected).sort()))
  const { results } = await session.until(
    api.describeConfigs,
    4,
    { resources: [{ resourceType, resourceName, configurationKeys: null }] },
    (answer) => JSON.stringify(ownOf(answer.results[0]!.configs)) === wanted,
  )
  session.note(step, ownOf(results[0]!.configs))
}
