/**
 * DescribeTopicPartitions, version 0 (KIP-966): the topics named, or all, in the order of their names, as many partitions
 * as the client and `max.request.partition.size.limit` allow. `nextCursor` says where to go on.
 *
 * Unlike Metadata, it makes no topic, and says of each partition which replicas may lead without being in sync. None are
 * kept here but one whose log directory is offline.
 */
import type { MetadataImage } from '../cluster/metadata/image.ts'
import { isInternalTopic, topicNameProblem } from '../cluster/topic-names.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import {
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponseInput,
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from '../wire/schemas/75-describe-topic-partitions.ts'
import { TOPIC_OPERATIONS } from './authorized-operations.ts'
import { describePartition, eligibleLeaderReplicas } from './described-partition.ts'
import { handler } from './handler.ts'

type TopicAnswer = DescribeTopicPartitionsResponseInput['topics'][number]
type Cursor = NonNullable<DescribeTopicPartitionsRequest['cursor']>

export const describeTopicPartitions = handler({
  request: describeTopicPartitionsRequest,
  response: describeTopicPartitionsResponse,
  minVersion: 0,
  maxVersion: 0,

  async handle(context, request, services) {
    const { slices } = services
    const turn = slices.turn()
    const image = services.metadata.image()
    const names = wantedNames(request, image)
    const allowed = services.configs.broker.maxRequestPartitionSizeLimit
    let left = Math.max(Math.min(allowed, request.responsePartitionLimit), 1)
    const topics: TopicAnswer[] = []
    let nextCursor: Cursor | null = null
    for (const name of names) {
      if (slices.isOver(turn)) await slices.pause(turn, context.time)
      if (left <= 0) {
        nextCursor = { topicName: name, partitionIndex: 0 }
        break
      }
      const topic = image.topics.get(name)
      if (topic === undefined) {
        topics.push({ ...missing(name, unknownTopic(name)), topicAuthorizedOperations: TOPIC_OPERATIONS })
        continue
      }
      const from = name === request.cursor?.topicName ? request.cursor.partitionIndex : 0
      const partitions = topic.partitions.slice(from, from + left)
      topics.push({
        errorCode: ErrorCode.NONE,
        name,
        topicId: topic.id,
        isInternal: isInternalTopic(name),
        partitions: partitions.map((partition) => ({
          ...describePartition(partition, image, context.listenerName),
          eligibleLeaderReplicas: eligibleLeaderReplicas(partition, image),
          lastKnownElr: [],
        })),
        topicAuthorizedOperations: TOPIC_OPERATIONS,
      })
      left -= partitions.length
      if (from + partitions.length < topic.partitions.length) {
        nextCursor = { topicName: name, partitionIndex: from + partitions.length }
        break
      }
    }
    return { topics, nextCursor }
  },

  refuse: (request, errorCode) => ({
    topics: request.topics.map(({ name }) => missing(name, errorCode)),
  }),
})

/** Those from the cursor on. Throws KafkaError for a cursor that cannot be. */
function wantedNames({ topics, cursor }: DescribeTopicPartitionsRequest, image: MetadataImage): string[] {
  const names = topics.length === 0 ? image.topics.keys() : topics.map(({ name }) => name)
  const from = cursor?.topicName ?? ''
  const wanted = new Set<string>()
  for (const name of names) if (name >= from) wanted.add(name)
  if (cursor !== null && topics.length > 0 && !wanted.has(cursor.topicName)) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `DescribeTopicPartitionsRequest topic list should contain the cursor topic: ${cursor.topicName}`,
    )
  }
  if (cursor !== null && cursor.partitionIndex < 0) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `DescribeTopicPartitionsRequest cursor partition must be valid: ${cursor.partitionIndex}`,
    )
  }
  return [...wanted].sort()
}

function unknownTopic(name: string): number {
  return topicNameProblem(name) === undefined
    ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    : ErrorCode.INVALID_TOPIC_EXCEPTION
}

function missing(name: string, errorCode: number): TopicAnswer {
  return {
    errorCode,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
  }
}
