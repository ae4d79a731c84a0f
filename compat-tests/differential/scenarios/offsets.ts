import { api, versionsOf } from '../apis.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'
import { subscription } from '../subscription.ts'

const UNKNOWN_ID = 'xxxxxxxxxxxxxxxxxxxxxw'

interface Commit {
  readonly topic?: string
  readonly topicId?: string
  readonly partitionIndex?: number
  readonly offset?: bigint
  readonly epoch?: number
  readonly metadata?: string | null
  readonly memberId?: string
  readonly generation?: number
  readonly instance?: string | null
}

export const offsets: Scenario = {
  name: 'offsets',
  async run(session) {
    const topic = 'offsets'
    const topicId = await session.makeTopic(topic, 3)
    await session.groupIsServed('offsets-group')
    for (const version of versionsOf(api.offsetCommit)) await commit(session, version, topic, topicId)
    for (const version of versionsOf(api.offsetFetch)) await fetchOffsets(session, version, topic, topicId)
    await deleteOffsets(session, topic, topicId)
  },
}

async function commit(session: Session, version: number, topic: string, topicId: string): Promise<void> {
  const groupId = `offsets-commit-v${version}`
  await session.groupIsServed(groupId)
  const ask = (step: string, options: Commit = {}, group = groupId) =>
    session.ask(`${step} v${version}`, api.offsetCommit, version, {
      groupId: group,
      generationIdOrMemberEpoch: options.generation ?? -1,
      memberId: options.memberId ?? '',
      groupInstanceId: options.instance ?? null,
      topics: [
        {
          name: options.topic ?? topic,
          topicId: options.topicId ?? topicId,
          partitions: [
            {
              partitionIndex: options.partitionIndex ?? 0,
              committedOffset: options.offset ?? 5n,
              committedLeaderEpoch: options.epoch ?? -1,
              committedMetadata: options.metadata === undefined ? 'note' : options.metadata,
            },
          ],
        },
      ],
    })
  await ask('commit without a member')
  await ask('commit with a leader epoch', { epoch: 0, partitionIndex: 1, offset: 7n })
  await ask('commit null metadata', { partitionIndex: 2, metadata: null })
  await ask('commit in a missing topic', { topic: 'offsets-missing', topicId: UNKNOWN_ID })
  await ask('commit in a missing partition', { partitionIndex: 9 })
  await ask('commit in a negative partition', { partitionIndex: -1 })
  await ask('commit in an empty topic name', { topic: '', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' })
  await ask('commit metadata of the greatest size', { metadata: 'm'.repeat(4096) })
  await ask('commit metadata that is too large', { metadata: 'm'.repeat(4097) })
  await ask('commit a negative offset', { offset: -1n })
  await ask('commit the largest offset', { offset: 2n ** 63n - 1n, partitionIndex: 1 })
  await ask('commit with a generation', { generation: 3 })
  await ask('commit with a member', { memberId: 'stranger' })
  await ask('commit with a member and a generation', { memberId: 'stranger', generation: 0 })
  await ask('commit with an empty group id', {}, '')
  await ask('commit with a generation to a missing group', { generation: 1 }, `${groupId}-missing`)
  await ask('commit with a member to a missing group', { generation: 1, memberId: 'm' }, `${groupId}-missing`)
  if (version >= 7) await ask('commit with an instance', { instance: 'i' })
  await session.ask(`commit nothing v${version}`, api.offsetCommit, version, {
    groupId,
    memberId: '',
    topics: [],
  })
  await session.ask(`commit several v${version}`, api.offsetCommit, version, {
    groupId,
    memberId: '',
    topics: [
      {
        name: topic,
        topicId,
        partitions: [
          { partitionIndex: 0, committedOffset: 1n, committedMetadata: '' },
          { partitionIndex: 8, committedOffset: 1n, committedMetadata: '' },
          { partitionIndex: 1, committedOffset: 1n, committedMetadata: 'm'.repeat(5000) },
        ],
      },
      {
        name: 'offsets-missing',
        topicId: UNKNOWN_ID,
        partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: '' }],
      },
    ],
  })
  await session.ask(`what was committed v${version}`, api.offsetFetch, 9, {
    groups: [{ groupId, topics: null }],
    requireStable: false,
  })
  await member(session, version, topic, topicId)
}

async function member(session: Session, version: number, topic: string, topicId: string): Promise<void> {
  const groupId = `offsets-member-v${version}`
  const input = {
    groupId,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription([], 'm') }],
  }
  const { memberId, generationId } = await session.quiet(api.joinGroup, 3, input)
  const ask = (step: string, generation: number, name: string) =>
    session.ask(`${step} v${version}`, api.offsetCommit, version, {
      groupId,
      generationIdOrMemberEpoch: generation,
      memberId: name,
      topics: [
        {
          name: topic,
          topicId,
          partitions: [{ partitionIndex: 0, committedOffset: 3n, committedMetadata: '' }],
        },
      ],
    })
  await ask('a member commits before the assignment', generationId, memberId)
  await session.quiet(api.syncGroup, 3, {
    groupId,
    generationId,
    memberId,
    assignments: [{ memberId, assignment: Buffer.from('all') }],
  })
  await ask('a member commits', generationId, memberId)
  await ask('a member commits in an old generation', generationId - 1, memberId)
  await ask('a member commits in a future generation', generationId + 1, memberId)
  await ask('a stranger commits', generationId, 'stranger')
  await ask('nobody commits', -1, '')
}

async function fetchOffsets(
  session: Session,
  version: number,
  topic: string,
  topicId: string,
): Promise<void> {
  const groupId = `offsets-fetch-v${version}`
  await session.groupIsServed(groupId)
  await session.quiet(api.offsetCommit, 9, {
    groupId,
    memberId: '',
    topics: [
      {
        name: topic,
        partitions: [
          { partitionIndex: 0, committedOffset: 4n, committedLeaderEpoch: 2, committedMetadata: 'a' },
          { partitionIndex: 1, committedOffset: 5n, committedMetadata: null },
        ],
      },
    ],
  })
  const ask = (
    step: string,
    topics: readonly { name: string; topicId: string; partitionIndexes: number[] }[] | null,
    group = groupId,
    more: { memberId?: string; memberEpoch?: number; requireStable?: boolean } = {},
  ) => {
    const { requireStable = false, ...member } = more
    return session.ask(`${step} v${version}`, api.offsetFetch, version, {
      groupId: group,
      topics: topics && [...topics],
      groups: [{ groupId: group, topics: topics && [...topics], ...member }],
      requireStable,
    })
  }
  const own = (partitionIndexes: number[]) => [{ name: topic, topicId, partitionIndexes }]
  await ask('fetch what is committed', own([0, 1]))
  await ask('fetch what is not', own([2, 7, -1]))
  await ask('fetch of a missing topic', [
    { name: 'offsets-missing', topicId: UNKNOWN_ID, partitionIndexes: [0] },
  ])
  await ask('fetch of no topics', [])
  await ask('fetch of no partitions', own([]))
  await ask('fetch of a missing group', own([0]), 'offsets-missing')
  await ask('fetch of an empty group id', own([0]), '')
  if (version >= 2) {
    await ask('fetch of all', null)
    await ask('fetch of all of a missing group', null, 'offsets-missing')
  }
  if (version >= 7) await ask('fetch of what is stable', own([0]), groupId, { requireStable: true })
  if (version >= 8) {
    await session.ask(`fetch of several groups v${version}`, api.offsetFetch, version, {
      groups: [
        { groupId, topics: own([0]) },
        { groupId: 'offsets-missing', topics: own([0]) },
        { groupId, topics: null },
      ],
    })
    await session.ask(`fetch of no groups v${version}`, api.offsetFetch, version, { groups: [] })
  }
  if (version >= 9) {
    await ask('fetch by a member', own([0]), groupId, { memberId: 'm', memberEpoch: 1 })
    await ask('fetch by a member of a missing group', own([0]), 'offsets-missing', {
      memberId: 'm',
      memberEpoch: 1,
    })
    await ask('fetch by a member without an epoch', own([0]), groupId, { memberId: 'm', memberEpoch: -1 })
  }
}

async function deleteOffsets(session: Session, topic: string, topicId: string): Promise<void> {
  const groupId = 'offsets-delete'
  await session.groupIsServed(groupId)
  await session.quiet(api.offsetCommit, 10, {
    groupId,
    memberId: '',
    topics: [
      {
        topicId,
        partitions: [0, 1].map((partitionIndex) => ({
          partitionIndex,
          committedOffset: 4n,
          committedMetadata: '',
        })),
      },
    ],
  })
  const ask = (step: string, topics: readonly { name: string; indexes: number[] }[], group = groupId) =>
    session.ask(step, api.offsetDelete, 0, {
      groupId: group,
      topics: topics.map(({ name, indexes }) => ({
        name,
        partitions: indexes.map((partitionIndex) => ({ partitionIndex })),
      })),
    })
  await ask('delete an offset', [{ name: topic, indexes: [0] }])
  await ask('delete it again', [{ name: topic, indexes: [0] }])
  await ask('delete in a missing partition', [{ name: topic, indexes: [9] }])
  await ask('delete in a missing topic', [{ name: 'offsets-missing', indexes: [0] }])
  await ask('delete in both', [
    { name: topic, indexes: [1, 9] },
    { name: 'offsets-missing', indexes: [0] },
  ])
  await ask('delete nothing', [])
  await ask('delete in a missing group', [{ name: topic, indexes: [0] }], 'offsets-missing')
  await ask('delete in an empty group id', [{ name: topic, indexes: [0] }], '')
  await ask(
    'delete in a missing topic of a missing group',
    [{ name: 'offsets-missing', indexes: [0] }],
    'offsets-missing',
  )
  await session.ask('what is left', api.offsetFetch, 9, { groups: [{ groupId, topics: null }] })
  const subscribed = await consumerOf(session, 'offsets-subscribed', topic)
  await session.quiet(api.offsetCommit, 10, {
    groupId: 'offsets-subscribed',
    ...subscribed,
    topics: [{ topicId, partitions: [{ partitionIndex: 0, committedOffset: 4n, committedMetadata: '' }] }],
  })
  await ask('delete of a topic that is subscribed', [{ name: topic, indexes: [0] }], 'offsets-subscribed')
}

/** A stable group of one whose member subscribes to the topic; what a commit of it carries. */
async function consumerOf(session: Session, groupId: string, topic: string) {
  await session.groupIsServed(groupId)
  const { memberId, generationId } = await session.quiet(api.joinGroup, 3, {
    groupId,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 30_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription([topic], '') }],
  })
  await session.quiet(api.syncGroup, 3, {
    groupId,
    generationId,
    memberId,
    assignments: [{ memberId, assignment: Buffer.alloc(0) }],
  })
  return { memberId, generationIdOrMemberEpoch: generationId }
}
