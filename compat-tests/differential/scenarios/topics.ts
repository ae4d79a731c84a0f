import { api, versionsOf } from '../apis.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const UNKNOWN_ID = 'xxxxxxxxxxxxxxxxxxxxxw'
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

interface NewTopic {
  readonly name: string
  readonly numPartitions?: number
  readonly replicationFactor?: number
  readonly assignments?: { partitionIndex: number; brokerIds: number[] }[]
  readonly configs?: { name: string; value: string | null }[]
}

function createInput(topics: readonly NewTopic[], validateOnly = false) {
  return {
    topics: topics.map((topic) => ({
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
      ...topic,
    })),
    timeoutMs: 10_000,
    validateOnly,
  }
}

export const topics: Scenario = {
  name: 'topics',
  async run(session) {
    await create(session)
    await addPartitions(session)
    await remove(session)
  },
}

async function create(session: Session): Promise<void> {
  await session.makeTopic('topics-there')
  await session.makeTopic('topics.dotted')
  for (const version of versionsOf(api.createTopics)) {
    const prefix = `topics-v${version}`
    const ask = (step: string, list: readonly NewTopic[], validateOnly = false) =>
      session.ask(
        `${step} v${version}`,
        api.createTopics,
        version,
        createInput(list, validateOnly),
        (answer) => ({
          ...answer,
          // All configs are compared once, with DescribeConfigs.
          topics: answer.topics.map((topic) => ({
            ...topic,
            configs:
              topic.configs?.filter(({ name }) =>
                /^(cleanup.policy|retention.ms|segment.bytes)$/.test(name),
              ) ?? null,
          })),
        }),
      )
    await ask('one partition', [{ name: `${prefix}-one` }])
    await ask('the default counts', [{ name: `${prefix}-default`, numPartitions: -1, replicationFactor: -1 }])
    await ask('three partitions with configs', [
      {
        name: `${prefix}-configs`,
        numPartitions: 3,
        configs: [
          { name: 'cleanup.policy', value: 'compact' },
          { name: 'retention.ms', value: '1000000' },
        ],
      },
    ])
    await ask('validate only', [{ name: `${prefix}-validated`, numPartitions: 2 }], true)
    await ask('after validate only', [{ name: `${prefix}-validated` }])
    await ask('a topic that is there', [{ name: 'topics-there' }])
    await ask('a topic that is there, validate only', [{ name: 'topics-there' }], true)
    await ask('a topic that collides', [{ name: 'topics_dotted' }])
    await ask('no partitions', [{ name: `${prefix}-bad`, numPartitions: 0 }])
    await ask('partitions of -2', [{ name: `${prefix}-bad`, numPartitions: -2 }])
    await ask('no replicas', [{ name: `${prefix}-bad`, replicationFactor: 0 }])
    await ask('replicas of -2', [{ name: `${prefix}-bad`, replicationFactor: -2 }])
    await ask('more replicas than brokers', [{ name: `${prefix}-bad`, replicationFactor: 2 }])
    for (const name of ['', '.', '..', 'topics/illegal', 'topics illegal', 't'.repeat(250), 'tøpics']) {
      await ask(`the illegal name '${name.slice(0, 20)}'`, [{ name }])
    }
    await ask('a name of the greatest length', [{ name: `${prefix}-${'t'.repeat(249 - prefix.length - 1)}` }])
    await ask('twice in the request', [
      { name: `${prefix}-twice` },
      { name: `${prefix}-twice` },
      { name: `${prefix}-once` },
    ])
    await ask('an unknown config', [{ name: `${prefix}-bad`, configs: [{ name: 'no.such', value: '1' }] }])
    await ask('a bad config value', [
      { name: `${prefix}-bad`, configs: [{ name: 'retention.ms', value: 'x' }] },
    ])
    await ask('a config out of range', [
      { name: `${prefix}-bad`, configs: [{ name: 'segment.bytes', value: '1' }] },
    ])
    await ask('a null config', [{ name: `${prefix}-null`, configs: [{ name: 'retention.ms', value: null }] }])
    await ask('a config twice', [
      {
        name: `${prefix}-config-twice`,
        configs: [
          { name: 'retention.ms', value: '5' },
          { name: 'retention.ms', value: '6' },
        ],
      },
    ])
    const assigned = (assignments: NewTopic['assignments'], counts = {}): NewTopic[] => [
      {
        name: `${prefix}-bad`,
        numPartitions: -1,
        replicationFactor: -1,
        assignments: assignments!,
        ...counts,
      },
    ]
    await ask('assigned', [
      {
        name: `${prefix}-assigned`,
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 1, brokerIds: [1] },
        ],
      },
    ])
    await ask(
      'assigned with a partition count',
      assigned([{ partitionIndex: 0, brokerIds: [1] }], { numPartitions: 1 }),
    )
    await ask(
      'assigned with a replication factor',
      assigned([{ partitionIndex: 0, brokerIds: [1] }], { replicationFactor: 1 }),
    )
    await ask('assigned to an unknown broker', assigned([{ partitionIndex: 0, brokerIds: [7] }]))
    await ask('assigned to a broker twice', assigned([{ partitionIndex: 0, brokerIds: [1, 1] }]))
    await ask('assigned to no broker', assigned([{ partitionIndex: 0, brokerIds: [] }]))
    await ask('assigned with a gap', assigned([{ partitionIndex: 1, brokerIds: [1] }]))
    await ask(
      'assigned twice',
      assigned([
        { partitionIndex: 0, brokerIds: [1] },
        { partitionIndex: 0, brokerIds: [1] },
      ]),
    )
    await ask('good and bad', [{ name: `${prefix}-good` }, { name: 'topics/illegal' }])
    await ask('nothing', [])
    await ask('an internal name', [{ name: '__consumer_offsets' }])
    await ask('the cluster metadata', [{ name: '__cluster_metadata' }])
  }
}

async function addPartitions(session: Session): Promise<void> {
  for (const version of versionsOf(api.createPartitions)) {
    const name = `topics-grow-v${version}`
    await session.makeTopic(name, 2)
    const ask = (
      step: string,
      list: readonly { name: string; count: number; assignments?: { brokerIds: number[] }[] | null }[],
      validateOnly = false,
    ) =>
      session.ask(`${step} v${version}`, api.createPartitions, version, {
        topics: list.map((topic) => ({ assignments: null, ...topic })),
        timeoutMs: 10_000,
        validateOnly,
      })
    await ask('fewer partitions', [{ name, count: 1 }])
    await ask('as many partitions', [{ name, count: 2 }])
    await ask('partitions of 0', [{ name, count: 0 }])
    await ask('partitions of -1', [{ name, count: -1 }])
    await ask('partitions of a missing topic', [{ name: 'topics-missing', count: 3 }])
    await ask('partitions of an empty name', [{ name: '', count: 3 }])
    await ask('partitions, validate only', [{ name, count: 5 }], true)
    await ask('partitions', [{ name, count: 4 }])
    await session.topicIsServed(name, 4)
    await ask('partitions of a topic twice', [
      { name, count: 5 },
      { name, count: 6 },
    ])
    await ask('partitions assigned', [{ name, count: 5, assignments: [{ brokerIds: [1] }] }])
    await session.topicIsServed(name, 5)
    await ask('partitions assigned too many', [
      { name, count: 6, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] },
    ])
    await ask('partitions assigned too few', [{ name, count: 7, assignments: [{ brokerIds: [1] }] }])
    await ask('partitions assigned to an unknown broker', [
      { name, count: 6, assignments: [{ brokerIds: [9] }] },
    ])
    await ask('partitions assigned to two brokers', [
      { name, count: 6, assignments: [{ brokerIds: [1, 2] }] },
    ])
    await ask('partitions assigned to no broker', [{ name, count: 6, assignments: [{ brokerIds: [] }] }])
    await ask('partitions assigned in no list', [{ name, count: 6, assignments: [] }])
    await ask('more partitions of nothing', [])
    await session.ask(`the topic with more partitions v${version}`, api.metadata, 12, {
      topics: [{ name }],
      allowAutoTopicCreation: false,
    })
  }
}

async function remove(session: Session): Promise<void> {
  for (const version of versionsOf(api.deleteTopics)) {
    const name = (suffix: string) => `topics-delete-v${version}-${suffix}`
    for (const suffix of ['a', 'b', 'c', 'd', 'e']) await session.makeTopic(name(suffix))
    const idOfC = await session.makeTopic(name('id'))
    const ask = (step: string, names: readonly { name: string | null; topicId?: string }[]) =>
      session.ask(`${step} v${version}`, api.deleteTopics, version, {
        topics: [...names],
        topicNames: names.map((topic) => topic.name ?? ''),
        timeoutMs: 10_000,
      })
    await ask('delete a topic', [{ name: name('a') }])
    await session.until(
      api.metadata,
      12,
      { topics: [{ name: name('a') }], allowAutoTopicCreation: false },
      (answer) => answer.topics[0]!.errorCode !== 0,
    )
    await ask('delete it again', [{ name: name('a') }])
    await ask('delete a missing topic', [{ name: 'topics-missing' }])
    await ask('delete an illegal name', [{ name: 'topics/illegal' }])
    await ask('delete an empty name', [{ name: '' }])
    await ask('delete good and missing', [{ name: name('b') }, { name: 'topics-missing' }])
    await ask('delete a topic twice', [{ name: name('c') }, { name: name('c') }])
    await ask('delete nothing', [])
    if (version >= 6) {
      await ask('delete by id', [{ name: null, topicId: idOfC }])
      await ask('delete by an unknown id', [{ name: null, topicId: UNKNOWN_ID }])
      await ask('delete by neither', [{ name: null, topicId: ZERO_ID }])
      await ask('delete by both', [{ name: name('d'), topicId: UNKNOWN_ID }])
      const id = (await session.quiet(api.metadata, 12, { topics: [{ name: name('e') }] })).topics[0]!.topicId
      await ask('delete by name and by id', [{ name: name('e') }, { name: null, topicId: id }])
      await ask('delete by id twice', [
        { name: null, topicId: id },
        { name: null, topicId: id },
      ])
      await ask('delete by an unknown id twice', [
        { name: null, topicId: UNKNOWN_ID },
        { name: null, topicId: UNKNOWN_ID },
      ])
    }
    await session.makeTopic(name('a'))
    await session.ask(`a name used again v${version}`, api.metadata, 12, {
      topics: [{ name: name('a') }],
      allowAutoTopicCreation: false,
    })
  }
}
