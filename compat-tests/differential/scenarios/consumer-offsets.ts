import { api, versionsOf } from '../apis.ts'
import { beating, configureGroup, joining } from '../consumer-group.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const TOPIC = 'consumer-offsets'
const UNKNOWN_ID = 'xxxxxxxxxxxxxxxxxxxxxw'

/** Commits and reads by members of consumer groups, in the epochs that they are in, were in, and are not in yet. */
export const consumerOffsets: Scenario = {
  name: 'consumer-offsets',
  async run(session) {
    const topicId = await session.makeTopic(TOPIC, 4)
    for (const version of versionsOf(api.offsetCommit)) await commits(session, version, topicId)
    for (const version of versionsOf(api.offsetFetch)) await fetches(session, version, topicId)
  },
}

/** A group of two: `a` owns partitions 0 and 1 since epoch 2, and is in 3; `b` has 2 and 3 since then. */
async function groupOfTwo(session: Session, groupId: string, topicId: string): Promise<void> {
  await session.groupIsServed(groupId)
  await configureGroup(session, groupId, { 'consumer.assignment.interval.ms': '0' })
  const owned = (...partitions: number[]) => [{ topicId, partitions }]
  const join = (memberId: string) => joining(groupId, { memberId, subscribedTopicNames: [TOPIC] })
  const beat = (memberId: string, memberEpoch: number, topicPartitions: ReturnType<typeof owned>) =>
    session.quiet(api.consumerGroupHeartbeat, 1, beating(groupId, { memberId, memberEpoch, topicPartitions }))
  await session.quiet(api.consumerGroupHeartbeat, 1, join('a'))
  await session.quiet(api.consumerGroupHeartbeat, 1, join('b'))
  await beat('a', 2, owned(0, 1, 2, 3))
  await beat('a', 2, owned(0, 1))
  await beat('b', 3, [])
}

async function commits(session: Session, version: number, topicId: string): Promise<void> {
  const groupId = `consumer-commit-v${version}`
  await groupOfTwo(session, groupId, topicId)
  const ask = (step: string, memberId: string, epoch: number, partitions: number[], metadata = '') =>
    session.ask(`${step} v${version}`, api.offsetCommit, version, {
      groupId,
      generationIdOrMemberEpoch: epoch,
      memberId,
      groupInstanceId: null,
      topics: [
        {
          name: TOPIC,
          topicId,
          partitions: partitions.map((partitionIndex) => ({
            partitionIndex,
            committedOffset: BigInt(10 + partitionIndex),
            committedLeaderEpoch: -1,
            committedMetadata: metadata,
          })),
        },
      ],
    })
  await ask('commit in the present epoch', 'a', 3, [0, 1])
  await ask('commit for partitions of another in the present epoch', 'a', 3, [2])
  await ask('commit in an older epoch', 'a', 2, [0, 1])
  await ask('commit in an older epoch for a partition of another', 'a', 2, [0, 2])
  await ask('commit before the partition was owned', 'b', 2, [2])
  await ask('commit in an epoch before all', 'a', 1, [0])
  await ask('commit in a future epoch', 'a', 4, [0])
  await ask('commit of an unknown member', 'x', 3, [0])
  await ask('commit without a member', '', -1, [0])
  await ask('commit of a member without an epoch', 'a', -1, [0])
  await ask('commit too much metadata', 'a', 3, [0], 'm'.repeat(5000))
  await ask('commit nothing', 'a', 1, [])
  await session.ask(`what is committed after v${version}`, api.offsetFetch, 9, {
    groups: [{ groupId, memberId: null, memberEpoch: -1, topics: null }],
    requireStable: false,
  })
}

async function fetches(session: Session, version: number, topicId: string): Promise<void> {
  const groupId = `consumer-fetch-v${version}`
  await groupOfTwo(session, groupId, topicId)
  await session.quiet(api.offsetCommit, 9, {
    groupId,
    generationIdOrMemberEpoch: 3,
    memberId: 'a',
    topics: [
      { name: TOPIC, partitions: [{ partitionIndex: 0, committedOffset: 7n, committedMetadata: 'm' }] },
    ],
  })
  const topics = [{ name: TOPIC, topicId, partitionIndexes: [0, 1] }]
  const ask = (step: string, memberId: string | null, memberEpoch: number, all = false) =>
    session.ask(`${step} v${version}`, api.offsetFetch, version, {
      groupId,
      topics: all ? null : topics,
      groups: [{ groupId, memberId, memberEpoch, topics: all ? null : topics }],
      requireStable: true,
    })
  await ask('fetch without a member', null, -1)
  await ask('fetch in the present epoch', 'a', 3)
  await ask('fetch in an older epoch', 'a', 2)
  await ask('fetch in a future epoch', 'a', 9)
  await ask('fetch as an unknown member', 'x', 3)
  await ask('fetch as a member without an epoch', 'a', -1)
  await ask('fetch as no member in an epoch', null, 3)
  await ask('fetch as a member without a name', '', -1)
  if (version >= 2) {
    await ask('fetch all', null, -1, true)
    await ask('fetch all in an older epoch', 'a', 2, true)
  }
  if (version < 10) return
  await session.ask('fetch an unknown topic id in an older epoch', api.offsetFetch, version, {
    groups: [
      { groupId, memberId: 'a', memberEpoch: 2, topics: [{ topicId: UNKNOWN_ID, partitionIndexes: [0] }] },
    ],
    requireStable: false,
  })
}
