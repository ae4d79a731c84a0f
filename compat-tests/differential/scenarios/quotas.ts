import { api, versionsOf } from '../apis.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const EXACT = 0
const DEFAULT = 1
const SPECIFIED = 2

type Entity = readonly (readonly [type: string, name: string | null])[]
type Op = readonly [key: string, value: number | null]

export const quotas: Scenario = {
  name: 'quotas',
  async run(session) {
    await alter(session)
    await describe(session)
    await mutations(session)
    await credentials(session)
  },
}

function entry(entity: Entity, ops: readonly Op[]) {
  return {
    entity: entity.map(([entityType, entityName]) => ({ entityType, entityName })),
    ops: ops.map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
  }
}

async function alter(session: Session): Promise<void> {
  for (const version of versionsOf(api.alterClientQuotas)) {
    const ask = (step: string, entity: Entity, ...ops: Op[]) =>
      session.ask(`${step} v${version}`, api.alterClientQuotas, version, {
        entries: [entry(entity, ops)],
        validateOnly: false,
      })
    const user: Entity = [['user', 'quotas-user']]
    await ask('a user', user, ['producer_byte_rate', 1000], ['request_percentage', 12.5])
    await ask('the default user', [['user', null]], ['request_percentage', 5500.5])
    await ask('a client', [['client-id', 'quotas-client']], ['consumer_byte_rate', 2000])
    await ask('the default client', [['client-id', null]], ['consumer_byte_rate', 1e15])
    await ask(
      'a user and a client',
      [
        ['user', 'quotas-user'],
        ['client-id', 'quotas-client'],
      ],
      ['consumer_byte_rate', 2000],
    )
    await ask(
      'both defaults',
      [
        ['client-id', null],
        ['user', null],
      ],
      ['producer_byte_rate', 3e9],
    )
    await ask('an address', [['ip', '10.1.2.3']], ['connection_creation_rate', 10_000])
    await ask('an address of six', [['ip', '::1']], ['connection_creation_rate', 10_000])
    await ask('any address', [['ip', null]], ['connection_creation_rate', 20_000])
    await ask('a host', [['ip', 'localhost']], ['connection_creation_rate', 30_000])
    await ask('no host', [['ip', 'no host']], ['connection_creation_rate', 1])
    await ask('an odd name', [['user', 'O=a b/c,CN="d" é']], ['producer_byte_rate', 1])
    await ask('no entity', [], ['producer_byte_rate', 1])
    await ask('an unknown type', [['group', 'g']], ['producer_byte_rate', 1])
    await ask('an empty type', [['', 'g']], ['producer_byte_rate', 1])
    await ask('an empty user', [['user', '']], ['producer_byte_rate', 1])
    await ask('an empty client', [['client-id', '']], ['producer_byte_rate', 1])
    await ask('an empty address', [['ip', '']], ['connection_creation_rate', 1])
    await ask(
      'a user and an address',
      [
        ['user', 'quotas-user'],
        ['ip', '10.1.2.3'],
      ],
      ['producer_byte_rate', 1],
    )
    await ask(
      'two users',
      [
        ['user', 'quotas-first'],
        ['user', 'quotas-second'],
      ],
      ['producer_byte_rate', 7],
    )
    await ask('an unknown key', user, ['no.such', 1])
    await ask('a key of addresses', user, ['connection_creation_rate', 1])
    await ask('a key of users', [['ip', '10.1.2.3']], ['producer_byte_rate', 1])
    await ask('a key of passwords', user, ['SCRAM-SHA-256', 1])
    await ask('zero', user, ['producer_byte_rate', 0])
    await ask('a negative', user, ['request_percentage', -1])
    await ask('a fraction of a whole number', user, ['producer_byte_rate', 1.5])
    await ask('a rate beyond a long', user, ['producer_byte_rate', 1e19])
    await ask('infinitely many', user, ['producer_byte_rate', Number.POSITIVE_INFINITY])
    await ask('a rate beyond an int', [['ip', '10.1.2.4']], ['connection_creation_rate', 3e9])
    await ask('a fraction of an address', [['ip', '10.1.2.4']], ['connection_creation_rate', 1.5])
    await ask('a key twice', user, ['producer_byte_rate', 1], ['producer_byte_rate', 2])
    await ask('nothing', user)
    await ask('a removal of what is not there', user, ['consumer_byte_rate', null])
    await ask('a removal of an unknown key', user, ['no.such', null])
    await ask('one good and one bad', user, ['consumer_byte_rate', 9], ['no.such', 1])
    await session.ask(`several v${version}`, api.alterClientQuotas, version, {
      entries: [
        entry([['user', 'quotas-gone']], [['producer_byte_rate', 1]]),
        entry([['user', 'quotas-bad']], [['producer_byte_rate', -1]]),
        entry([['client-id', 'quotas-kept']], [['producer_byte_rate', 5]]),
      ],
      validateOnly: false,
    })
    await session.ask(`an entity twice v${version}`, api.alterClientQuotas, version, {
      entries: [
        entry([['user', 'quotas-twice']], [['producer_byte_rate', 1]]),
        entry([['user', 'quotas-twice']], [['consumer_byte_rate', 1]]),
      ],
      validateOnly: false,
    })
    await session.ask(`only checked v${version}`, api.alterClientQuotas, version, {
      entries: [entry([['user', 'quotas-checked']], [['producer_byte_rate', 1]])],
      validateOnly: true,
    })
    for (const [step, value] of [
      ['infinitely much', Number.POSITIVE_INFINITY],
      ['no number', Number.NaN],
    ] as const) {
      await session.ask(`${step} v${version}`, api.alterClientQuotas, version, {
        entries: [entry(user, [['request_percentage', value]])],
        validateOnly: true,
      })
    }
    await session.ask(`none v${version}`, api.alterClientQuotas, version, {
      entries: [],
      validateOnly: false,
    })
    await ask('a removal', [['user', 'quotas-gone']], ['producer_byte_rate', null])
  }
}

async function describe(session: Session): Promise<void> {
  await session.until(
    api.describeClientQuotas,
    1,
    { components: [{ entityType: 'user', matchType: EXACT, match: 'quotas-gone' }], strict: false },
    ({ entries }) => entries?.length === 0,
  )
  for (const version of versionsOf(api.describeClientQuotas)) {
    for (const strict of [false, true]) {
      const ask = (step: string, ...components: (readonly [string, number, string | null])[]) =>
        session.ask(`${step}${strict ? ' strictly' : ''} v${version}`, api.describeClientQuotas, version, {
          components: components.map(([entityType, matchType, match]) => ({ entityType, matchType, match })),
          strict,
        })
      await ask('described: all')
      await ask('described: a user', ['user', EXACT, 'quotas-user'])
      await ask('described: a missing user', ['user', EXACT, 'quotas-missing'])
      await ask('described: an odd name', ['user', EXACT, 'O=a b/c,CN="d" é'])
      await ask('described: the default user', ['user', DEFAULT, null])
      await ask('described: all users', ['user', SPECIFIED, null])
      await ask('described: all clients', ['client-id', SPECIFIED, null])
      await ask('described: both', ['client-id', SPECIFIED, null], ['user', SPECIFIED, null])
      await ask(
        'described: a user and its clients',
        ['user', EXACT, 'quotas-user'],
        ['client-id', SPECIFIED, null],
      )
      await ask('described: all addresses', ['ip', SPECIFIED, null])
      await ask('described: any address', ['ip', DEFAULT, null])
      await ask('described: an address', ['ip', EXACT, '10.1.2.3'])
      await ask('described: an address and a user', ['ip', SPECIFIED, null], ['user', SPECIFIED, null])
      await ask('described: an unknown type', ['group', SPECIFIED, null])
      await ask('described: an empty type', ['', SPECIFIED, null])
      await ask('described: a type twice', ['user', SPECIFIED, null], ['user', DEFAULT, null])
      await ask('described: an exact name without one', ['user', EXACT, null])
      await ask('described: the default with a name', ['user', DEFAULT, 'x'])
      await ask('described: any with a name', ['user', SPECIFIED, 'x'])
      await ask('described: an unknown match', ['user', 3, null])
      await ask('described: an empty name', ['user', EXACT, ''])
    }
  }
}

/** Asked by Kafka's tools together with the quotas of users. */
async function credentials(session: Session): Promise<void> {
  const ask = (step: string, users: string[] | null) =>
    session.ask(`credentials: ${step}`, api.describeUserScramCredentials, 0, {
      users: users?.map((name) => ({ name })) ?? null,
    })
  await ask('all', null)
  await ask('of nobody named', [])
  await ask('of missing users', ['quotas-user', 'b'])
  await ask('of a user twice', ['quotas-user', 'quotas-user', 'b'])
  await ask('of an empty name', [''])
}

/** A quota on changes that is used up by one large one: what comes next is refused, or done where the version is too old. */
async function mutations(session: Session): Promise<void> {
  const clientId = 'quotas-mutations'
  const entity: Entity = [['client-id', clientId]]
  const key = 'controller_mutation_rate'
  await session.quiet(api.alterClientQuotas, 1, {
    entries: [entry(entity, [[key, 0.5]])],
    validateOnly: false,
  })
  await session.until(
    api.describeClientQuotas,
    1,
    { components: [{ entityType: 'client-id', matchType: EXACT, match: clientId }], strict: true },
    ({ entries }) => entries?.length === 1,
  )
  const limited = await session.another(clientId)
  const topic = (name: string, numPartitions: number) => ({
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  })
  const told = <T extends { readonly throttleTimeMs: number }>({ throttleTimeMs, ...answer }: T) => ({
    ...answer,
    throttled: throttleTimeMs > 0,
  })
  await limited.ask(
    'changes: the burst and more',
    api.createTopics,
    7,
    { topics: [topic('quotas-a', 60), topic('quotas-b', 1)], timeoutMs: 10_000, validateOnly: false },
    ({ topics, throttleTimeMs }) => ({
      throttled: throttleTimeMs > 60_000,
      topics: topics.map(({ name, errorCode, errorMessage }) => ({ name, errorCode, errorMessage })),
    }),
  )
  // The connection is muted for minutes.
  const again = async () => session.another(clientId)
  await (await again()).ask(
    'changes: partitions',
    api.createPartitions,
    3,
    { topics: [{ name: 'quotas-a', count: 61, assignments: null }], timeoutMs: 10_000, validateOnly: false },
    told,
  )
  await (await again()).ask(
    'changes: only checked',
    api.createTopics,
    7,
    { topics: [topic('quotas-c', 1)], timeoutMs: 10_000, validateOnly: true },
    ({ topics, throttleTimeMs }) => ({
      throttled: throttleTimeMs > 0,
      topics: topics.map(({ name, errorCode, errorMessage }) => ({ name, errorCode, errorMessage })),
    }),
  )
  await (await again()).ask(
    'changes: a deletion',
    api.deleteTopics,
    6,
    { topics: [{ name: 'quotas-a', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }], topicNames: [], timeoutMs: 10_000 },
    ({ responses, throttleTimeMs }) => ({
      throttled: throttleTimeMs > 0,
      responses: responses.map(({ name, errorCode, errorMessage }) => ({ name, errorCode, errorMessage })),
    }),
  )
  await (await again()).ask(
    'changes: a deletion in an older version',
    api.deleteTopics,
    4,
    { topics: [], topicNames: ['quotas-a'], timeoutMs: 10_000 },
    told,
  )
  await (await again()).ask(
    'changes: a topic in an older version',
    api.createTopics,
    5,
    { topics: [topic('quotas-b', 1)], timeoutMs: 10_000, validateOnly: false },
    ({ topics, throttleTimeMs }) => ({
      throttled: throttleTimeMs > 0,
      topics: topics.map(({ name, errorCode }) => ({ name, errorCode })),
    }),
  )
  await session.quiet(api.deleteTopics, 6, {
    topics: [{ name: 'quotas-b', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    topicNames: [],
    timeoutMs: 10_000,
  })
}
