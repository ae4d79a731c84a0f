/**
 * OffsetFetch, versions 0–10. Old Kafkas answered v0 from ZooKeeper; here it is as v1.
 *
 * - v2: null topics ask for all; v5: leader epochs; v7: `requireStable`.
 * - v8: several groups at once; v10: topics by id.
 *
 * A partition without a committed offset is answered with offset -1 and no error, whether it exists or not.
 */
import type { FetchedOffsets, TopicToFetch } from '../groups/commands.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import {
  type OffsetFetchRequest,
  type OffsetFetchResponseInput,
  offsetFetchRequest,
  offsetFetchResponse,
} from '../wire/schemas/09-offset-fetch.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

const FIRST_VERSION_WITH_GROUPS = 8
const FIRST_VERSION_WITH_TOPIC_IDS = 10

type GroupRequest = OffsetFetchRequest['groups'][number]
type GroupAnswer = NonNullable<OffsetFetchResponseInput['groups']>[number]

export const offsetFetch = handler({
  request: offsetFetchRequest,
  response: offsetFetchResponse,
  minVersion: 0,
  maxVersion: 10,

  async handle(context, request, services) {
    if (context.apiVersion >= FIRST_VERSION_WITH_GROUPS) {
      const { slices } = services
      const groups = await slices.map(
        request.groups,
        (group) => fetchGroup(context.apiVersion, group, request.requireStable, services),
        slices.turn(),
        context.time,
      )
      return { groups }
    }
    const reply = await services.groups.execute(request.groupId, {
      type: 'offsetFetch',
      groupId: request.groupId,
      memberId: null,
      memberEpoch: -1,
      topics:
        request.topics?.map(({ name, partitionIndexes }) =>
          topicToFetch(name, ZERO_UUID, partitionIndexes),
        ) ?? null,
      requireStable: request.requireStable,
    })
    return {
      errorCode: reply.errorCode,
      topics:
        reply.errorCode !== ErrorCode.NONE && context.apiVersion < 2
          ? failedTopics(request, reply.errorCode)
          : reply.topics.map(({ topic, partitions }) => ({ name: topic, partitions })),
    }
  },

  refuse: (request, errorCode) => ({
    errorCode,
    topics: failedTopics(request, errorCode),
    groups: request.groups.map(({ groupId }) => ({ groupId, errorCode })),
  }),
})

async function fetchGroup(
  version: number,
  group: GroupRequest,
  requireStable: boolean,
  services: Services,
): Promise<GroupAnswer> {
  const { topicsById } = services.metadata.image()
  const known: TopicToFetch[] = []
  const unknown: GroupRequest['topics'] = []
  for (const topic of group.topics ?? []) {
    const name = version < FIRST_VERSION_WITH_TOPIC_IDS ? topic.name : topicsById.get(topic.topicId)?.name
    if (name === undefined) unknown.push(topic)
    else known.push(topicToFetch(name, topic.topicId, topic.partitionIndexes))
  }
  const reply: FetchedOffsets = await services.groups.execute(group.groupId, {
    type: 'offsetFetch',
    groupId: group.groupId,
    memberId: group.memberId,
    memberEpoch: group.memberEpoch,
    topics: group.topics === null ? null : known,
    requireStable,
  })
  if (reply.errorCode !== ErrorCode.NONE)
    return { groupId: group.groupId, errorCode: reply.errorCode, topics: [] }
  const { topics } = services.metadata.image()
  return {
    groupId: group.groupId,
    topics: [
      // With ids, what was committed for a topic that is gone has no name to the client.
      ...reply.topics
        .map(({ topic, topicId, partitions }) => ({
          name: topic,
          topicId: topicId === ZERO_UUID ? (topics.get(topic)?.id ?? ZERO_UUID) : topicId,
          partitions,
        }))
        .filter(({ topicId }) => version < FIRST_VERSION_WITH_TOPIC_IDS || topicId !== ZERO_UUID),
      ...unknown.map(({ topicId, partitionIndexes }) => ({
        topicId,
        partitions: failedPartitions(partitionIndexes, ErrorCode.UNKNOWN_TOPIC_ID),
      })),
    ],
  }
}

function topicToFetch(topic: string, topicId: string, partitions: readonly number[]): TopicToFetch {
  return { topic, topicId, partitions }
}

function failedTopics(request: OffsetFetchRequest, errorCode: number) {
  return (request.topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    partitions: failedPartitions(partitionIndexes, errorCode),
  }))
}

function failedPartitions(partitionIndexes: readonly number[], errorCode: number) {
  return partitionIndexes.map((partitionIndex) => ({
    partitionIndex,
    committedOffset: -1n,
    committedLeaderEpoch: -1,
    metadata: '',
    errorCode,
  }))
}
