/**
 * OffsetCommit, versions 0–10.
 *
 * - v0 names neither member nor generation: a commit from outside of the group. Old Kafkas kept it in ZooKeeper; here
 *   it is kept where all are. v1: the time of each commit, from which retention counts.
 * - v2–4: a retention time with the request; v6: leader epochs; v7: static members; v10: topics by id.
 *
 * A topic or partition that does not exist is refused for itself; the others are committed.
 */
import type { OffsetToCommit } from '../groups/commands.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type OffsetCommitRequest,
  type OffsetCommitResponseInput,
  offsetCommitRequest,
  offsetCommitResponse,
} from '../wire/schemas/08-offset-commit.ts'
import { groupContext } from './group-context.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

const FIRST_VERSION_WITH_TOPIC_IDS = 10

export const offsetCommit = handler({
  request: offsetCommitRequest,
  response: offsetCommitResponse,
  minVersion: 0,
  maxVersion: 10,

  async handle(context, request, services) {
    const { toCommit, errors } = resolve(context.apiVersion, request, services)
    const outcomes = new Map<OffsetToCommit, number>()
    if (toCommit.length > 0) {
      const reply = await services.groups.execute(request.groupId, {
        type: 'offsetCommit',
        groupId: request.groupId,
        memberId: request.memberId,
        groupInstanceId: request.groupInstanceId,
        generationIdOrMemberEpoch: request.generationIdOrMemberEpoch,
        retentionTimeMs: request.retentionTimeMs,
        partitions: toCommit,
        context: groupContext(context),
      })
      toCommit.forEach((offset, index) => {
        const { errorCode } = reply.partitions[index]!
        context.refusedWith(errorCode)
        outcomes.set(offset, errorCode)
      })
    }
    return answer(request, (topic, partition) => {
      const resolved = errors[topic]![partition]!
      return typeof resolved === 'number' ? resolved : outcomes.get(resolved)!
    })
  },

  refuse: (request, errorCode) => answer(request, () => errorCode),
})

/** `errors` has, at the places of the request, the error code of what cannot be committed or the offset that can. */
function resolve(version: number, request: OffsetCommitRequest, services: Services) {
  const image = services.metadata.image()
  const toCommit: OffsetToCommit[] = []
  const errors = request.topics.map(({ name, topicId, partitions }) => {
    const byId = version >= FIRST_VERSION_WITH_TOPIC_IDS
    const topic = byId ? image.topicsById.get(topicId) : image.topics.get(name)
    return partitions.map((partition) => {
      if (topic === undefined) return byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      if (topic.partitions[partition.partitionIndex] === undefined)
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      const offset: OffsetToCommit = {
        topic: topic.name,
        topicId: topic.id,
        partition: partition.partitionIndex,
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata,
        commitTimestampMs: partition.commitTimestamp,
      }
      toCommit.push(offset)
      return offset
    })
  })
  return { toCommit, errors }
}

function answer(
  request: OffsetCommitRequest,
  errorCodeOf: (topic: number, partition: number) => number,
): OffsetCommitResponseInput {
  return {
    // A topic without partitions is not heard of again, as in Kafka.
    topics: request.topics.flatMap(({ name, topicId, partitions }, topic) =>
      partitions.length === 0
        ? []
        : {
            name,
            topicId,
            partitions: partitions.map(({ partitionIndex }, partition) => ({
              partitionIndex,
              errorCode: errorCodeOf(topic, partition),
            })),
          },
    ),
  }
}
