import { apiByKey } from '../../../src/wire/apis.ts'
import { api, versionsOf } from '../apis.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const UNKNOWN_ID = 'xxxxxxxxxxxxxxxxxxxxxw'
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

export const discovery: Scenario = {
  name: 'discovery',
  async run(session) {
    await apiVersions(session)
    await metadata(session)
    await cluster(session)
    await coordinators(session)
  },
}

async function apiVersions(session: Session): Promise<void> {
  for (const version of versionsOf(api.apiVersions)) {
    await session.ask(
      `ApiVersions v${version}`,
      api.apiVersions,
      version,
      { clientSoftwareName: 'differential', clientSoftwareVersion: '1.0' },
      ({ apiKeys, supportedFeatures, finalizedFeatures, ...rest }) => ({
        ...rest,
        // By name, so that what one of the two lacks stands alone.
        supportedFeatures: Object.fromEntries(
          supportedFeatures.map(({ name, minVersion, maxVersion }) => [name, `${minVersion}-${maxVersion}`]),
        ),
        finalizedFeatures: Object.fromEntries(
          finalizedFeatures.map(({ name, minVersionLevel, maxVersionLevel }) => [
            name,
            `${minVersionLevel}-${maxVersionLevel}`,
          ]),
        ),
        apiKeys: Object.fromEntries(
          apiKeys.map(({ apiKey, minVersion, maxVersion }) => [
            apiByKey(apiKey)?.name ?? apiKey,
            `${minVersion}-${maxVersion}`,
          ]),
        ),
      }),
    )
  }
  for (const [step, clientSoftwareName, clientSoftwareVersion] of [
    ['an empty software name', '', '1'],
    ['an empty software version', 'a', ''],
    ['an illegal software name', 'a b', '1'],
    ['an illegal software version', 'a', '1/2'],
    ['a software name that ends with a dot', 'a.', '1'],
    ['a software name of one letter', 'a', '1'],
  ] as const) {
    await session.ask(
      step,
      api.apiVersions,
      4,
      { clientSoftwareName, clientSoftwareVersion },
      ({ errorCode, apiKeys }) => ({ errorCode, empty: apiKeys.length === 0 }),
    )
  }
}

async function metadata(session: Session): Promise<void> {
  const name = 'discovery'
  const topicId = await session.makeTopic(name, 3)
  const own = <T extends { readonly topics: readonly { readonly name: string | null }[] }>(answer: T) => ({
    ...answer,
    topics: answer.topics.filter((topic) => topic.name?.startsWith('discovery') ?? true),
  })
  for (const version of versionsOf(api.metadata)) {
    const ask = (step: string, topics: { name: string | null; topicId?: string }[] | null, more = {}) =>
      session.ask(
        `${step} v${version}`,
        api.metadata,
        version,
        { topics, allowAutoTopicCreation: false, ...more },
        own,
      )
    await ask('a topic', [{ name }])
    await ask('all topics', version === 0 ? [] : null)
    if (version >= 1) await ask('no topics', [])
    await ask('a topic twice', [{ name }, { name }])
    // Below v4 these are made where they are missing, which Kafka completes later.
    if (version >= 4) {
      await ask('a missing topic', [{ name: 'discovery-missing' }])
      await ask('a good and a missing topic', [{ name: 'discovery-missing' }, { name }])
    }
    for (const illegal of ['', '.', '..', 'discovery/illegal', 'discovery illegal', 'd'.repeat(250)]) {
      await ask(`the illegal name '${illegal.slice(0, 20)}'`, [{ name: illegal }])
      if (version >= 4) {
        await ask(`the illegal name '${illegal.slice(0, 20)}' to be made`, [{ name: illegal }], {
          allowAutoTopicCreation: true,
        })
      }
    }
    await session.ask(
      `an internal topic v${version}`,
      api.metadata,
      version,
      { topics: [{ name: '__consumer_offsets' }] },
      ({ topics }) => topics.map(({ topicId: _id, ...topic }) => topic),
    )
    if (version >= 8) {
      await ask('authorized operations', [{ name }], {
        includeClusterAuthorizedOperations: true,
        includeTopicAuthorizedOperations: true,
      })
    }
    if (version >= 10) {
      await ask('by id', [{ name: null, topicId }])
      await ask('by an unknown id', [{ name: null, topicId: UNKNOWN_ID }])
      await ask('by name and id', [{ name, topicId }])
      await ask('by the name and another id', [{ name, topicId: UNKNOWN_ID }])
      await ask('by no name and the zero id', [{ name: null, topicId: ZERO_ID }])
      await ask('by id and by name', [
        { name: null, topicId },
        { name, topicId: ZERO_ID },
      ])
      await ask('by id to be made', [{ name: null, topicId: UNKNOWN_ID }], { allowAutoTopicCreation: true })
    }
  }
}

async function cluster(session: Session): Promise<void> {
  for (const version of versionsOf(api.describeCluster)) {
    await session.ask(`DescribeCluster v${version}`, api.describeCluster, version, {
      includeClusterAuthorizedOperations: false,
    })
    await session.ask(`DescribeCluster with operations v${version}`, api.describeCluster, version, {
      includeClusterAuthorizedOperations: true,
    })
  }
  for (const version of [1, 2]) {
    for (const endpointType of [0, 2, 3, -1]) {
      await session.ask(
        `DescribeCluster of endpoints ${endpointType} v${version}`,
        api.describeCluster,
        version,
        {
          endpointType,
          includeClusterAuthorizedOperations: false,
        },
      )
    }
  }
  await session.ask('DescribeCluster with fenced brokers', api.describeCluster, 2, {
    includeFencedBrokers: true,
    includeClusterAuthorizedOperations: false,
  })
}

async function coordinators(session: Session): Promise<void> {
  for (const version of versionsOf(api.findCoordinator)) {
    const ask = (step: string, keys: string[], keyType = 0) =>
      session.ask(`${step} v${version}`, api.findCoordinator, version, {
        key: keys[0]!,
        keyType,
        coordinatorKeys: keys,
      })
    await ask('the coordinator of a group', ['discovery-group'])
    await ask('the coordinator of an empty group id', [''])
    if (version >= 1) {
      await ask('the coordinator of an unknown kind', ['x'], 9)
      await ask('a share coordinator', ['discovery-group:AAAAAAAAAAAAAAAAAAAAAQ:0'], 2)
    }
    if (version >= 4) await ask('several coordinators', ['discovery-a', 'discovery-b', ''])
  }
  await session.ask('no coordinators', api.findCoordinator, 4, { keyType: 0, coordinatorKeys: [] })
}
