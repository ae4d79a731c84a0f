import { api, versionsOf } from '../apis.ts'
import { append, batch } from '../records.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

interface NewTopic {
  readonly name: string
  readonly numPartitions?: number
  readonly replicationFactor?: number
  readonly assignments?: { partitionIndex: number; brokerIds: number[] }[]
  readonly configs?: { name: string; value: string | null }[]
}

/** What one request may and may not ask for at once, and where one entry of it is refused and the others are done. */
export const topicRules: Scenario = {
  name: 'topic-rules',
  async run(session) {
    await together(session)
    await assigned(session)
    await configs(session)
    await growing(session)
    await deletingRecords(session)
  },
}

function create(session: Session, step: string, topics: readonly NewTopic[], validateOnly = false) {
  return session.ask(
    `create: ${step}`,
    api.createTopics,
    7,
    {
      topics: topics.map((topic) => ({
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [],
        ...topic,
      })),
      timeoutMs: 10_000,
      validateOnly,
    },
    // All configs are compared once, with DescribeConfigs.
    (answer) => ({ ...answer, topics: answer.topics.map(({ configs: _configs, ...topic }) => topic) }),
  )
}

async function together(session: Session): Promise<void> {
  await create(session, 'two that collide', [{ name: 'topic-rules.a_b' }, { name: 'topic-rules.a.b' }])
  await create(
    session,
    'two that collide, to validate',
    [{ name: 'topic-rules_c.d' }, { name: 'topic-rules_c_d' }],
    true,
  )
  await create(session, 'one that collides with what was validated', [{ name: 'topic-rules.c_d' }])
  await create(session, 'good ones beside bad ones', [
    { name: 'topic-rules-good' },
    { name: 'topic-rules-none', numPartitions: 0 },
    { name: 'topic-rules-many', replicationFactor: 3 },
    { name: 'topic-rules-config', configs: [{ name: 'no.such', value: '1' }] },
    { name: 'topic rules' },
    { name: '__cluster_metadata' },
    { name: 'topic-rules-twice' },
    { name: 'topic-rules-twice', numPartitions: 2 },
    { name: 'topic-rules-also-good', numPartitions: 2 },
  ])
  await create(
    session,
    'one twice, to validate',
    [{ name: 'topic-rules-x' }, { name: 'topic-rules-x' }],
    true,
  )
  await create(session, 'more partitions than a request may make', [
    { name: 'topic-rules-huge', numPartitions: 10_001 },
  ])
  await create(session, 'more partitions than a request may make together', [
    { name: 'topic-rules-huge', numPartitions: 6_000 },
    { name: 'topic-rules-huge-too', numPartitions: 6_000 },
  ])
  await create(
    session,
    'more partitions than a request may make, to validate',
    [{ name: 'topic-rules-huge', numPartitions: 20_000 }],
    true,
  )
}

async function assigned(session: Session): Promise<void> {
  const ask = (
    step: string,
    assignments: readonly (readonly [number, number[]])[],
    more: Partial<NewTopic> = {},
    validateOnly = true,
  ) =>
    create(
      session,
      `assigned ${step}`,
      [
        {
          name: 'topic-rules-assigned',
          numPartitions: -1,
          replicationFactor: -1,
          assignments: assignments.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })),
          ...more,
        },
      ],
      validateOnly,
    )
  await ask('out of order', [
    [1, [1]],
    [0, [1]],
  ])
  await ask('to a negative partition', [[-1, [1]]])
  await ask('to a negative broker', [[0, [-1]]])
  await ask('with a good and an impossible one', [
    [0, [1]],
    [1, [4]],
  ])
  await ask('with another number of replicas', [
    [0, [1]],
    [1, [1, 2]],
  ])
  await ask('with both counts', [[0, [1]]], { numPartitions: 1, replicationFactor: 1 })
  await ask('with counts of -2', [[0, [1]]], { numPartitions: -2, replicationFactor: -2 })
  await ask('with a count of 0', [[0, [1]]], { numPartitions: 0 })
  await ask('with an unknown config', [[0, [1]]], { configs: [{ name: 'no.such', value: '1' }] })
  await ask('under an illegal name', [[0, [9]]], { name: 'topic rules' })
  await ask('with configs', [[0, [1]]], { configs: [{ name: 'retention.ms', value: '5' }] }, false)
  await ask('again', [[0, [9]]])
}

async function configs(session: Session): Promise<void> {
  for (const [name, value] of [
    ['retention.ms', '-2'],
    ['retention.ms', ''],
    ['cleanup.policy', 'shred'],
    ['cleanup.policy', ''],
    ['cleanup.policy', 'compact,compact'],
    ['cleanup.policy', 'compact,'],
    ['min.insync.replicas', '0'],
    ['min.insync.replicas', '5'],
    ['segment.bytes', '1048575'],
    ['max.message.bytes', '-1'],
    ['message.timestamp.type', 'createtime'],
    ['compression.type', 'brotli'],
    ['compression.gzip.level', '0'],
    ['compression.zstd.level', '99'],
    ['min.cleanable.dirty.ratio', '1.1'],
    ['max.compaction.lag.ms', '0'],
    ['min.compaction.lag.ms', '9223372036854775808'],
    ['remote.storage.enable', 'true'],
    ['message.format.version', '3.0'],
    ['unclean.leader.election.enable', 'perhaps'],
    ['preallocate', 'TRUE'],
    ['leader.replication.throttled.replicas', '0:1,1:0'],
    ['leader.replication.throttled.replicas', 'all'],
    ['', '1'],
  ] as const) {
    await create(
      session,
      `config ${name}='${value}'`,
      [{ name: 'topic-rules-configs', configs: [{ name, value }] }],
      true,
    )
  }
  for (const [step, list] of Object.entries({
    'lags that contradict': [
      { name: 'min.compaction.lag.ms', value: '100' },
      { name: 'max.compaction.lag.ms', value: '50' },
    ],
    'two bad ones': [
      { name: 'retention.ms', value: 'x' },
      { name: 'no.such', value: '1' },
    ],
    'a null beside a good one': [
      { name: 'retention.ms', value: null },
      { name: 'segment.ms', value: '5000' },
    ],
    'local retention beyond retention': [
      { name: 'local.retention.ms', value: '2000' },
      { name: 'retention.ms', value: '1000' },
    ],
  })) {
    await create(session, `configs: ${step}`, [{ name: 'topic-rules-configs', configs: list }], true)
  }
}

async function growing(session: Session): Promise<void> {
  const ask = (
    step: string,
    topics: readonly { name: string; count: number; assignments?: { brokerIds: number[] }[] | null }[],
    validateOnly = false,
  ) =>
    session.ask(`grow: ${step}`, api.createPartitions, 3, {
      topics: topics.map((topic) => ({ assignments: null, ...topic })),
      timeoutMs: 10_000,
      validateOnly,
    })
  await session.makeTopic('topic-rules-grow', 2)
  await session.makeTopic('topic-rules-grow-too', 1)
  await ask('good ones beside bad ones', [
    { name: 'topic-rules-grow', count: 3 },
    { name: 'topic-rules-missing', count: 3 },
    { name: 'topic-rules-grow-too', count: 1 },
  ])
  await session.topicIsServed('topic-rules-grow', 3)
  await ask('one twice beside another', [
    { name: 'topic-rules-grow', count: 4 },
    { name: 'topic-rules-grow-too', count: 2 },
    { name: 'topic-rules-grow', count: 5 },
  ])
  await session.topicIsServed('topic-rules-grow-too', 2)
  await ask('to validate what is bad', [{ name: 'topic-rules-grow', count: 2 }], true)
  await ask('assigned and impossible', [
    { name: 'topic-rules-grow', count: 5, assignments: [{ brokerIds: [1] }, { brokerIds: [4] }] },
  ])
  await ask('assigned twice to one', [
    { name: 'topic-rules-grow', count: 4, assignments: [{ brokerIds: [1, 1] }] },
  ])
  await ask('an illegal name', [{ name: 'topic rules', count: 4 }])
  await ask('the cluster metadata', [{ name: '__cluster_metadata', count: 4 }])
}

async function deletingRecords(session: Session): Promise<void> {
  for (const version of versionsOf(api.deleteRecords)) {
    const topic = `topic-rules-records-v${version}`
    const target = { topic, topicId: await session.makeTopic(topic, 2) }
    await append(session, target, batch(['a', 'b', 'c']))
    await append(session, { ...target, partition: 1 }, batch(['d']))
    type Deletion = readonly [name: string, partitions: readonly (readonly [number, number])[]]
    const ask = (step: string, deletions: readonly Deletion[]) =>
      session.ask(`delete records: ${step} v${version}`, api.deleteRecords, version, {
        topics: deletions.map(([name, partitions]) => ({
          name,
          partitions: partitions.map(([partitionIndex, offset]) => ({ partitionIndex, offset })),
        })),
        timeoutMs: 5000,
      })
    await ask('good ones beside bad ones', [
      [
        topic,
        [
          [0, 1],
          [1, 9],
          [2, 0],
          [-1, 0],
        ],
      ],
      ['topic-rules-missing', [[0, 0]]],
      ['', [[0, 0]]],
    ])
    await ask('a partition twice', [
      [
        topic,
        [
          [0, 2],
          [0, 1],
        ],
      ],
    ])
    await ask('a topic twice', [
      [topic, [[0, 2]]],
      [topic, [[1, 1]]],
    ])
    await ask('no partition', [[topic, []]])
  }
}
