/**
 * Metadata, versions 0–13.
 *
 * - A null list of topics (from v1; in v0 an empty one) asks for all of them.
 * - v4: `allowAutoTopicCreation`; below it a missing topic is always made where the broker allows.
 * - v10: topic ids; v12: asked for by id. Once an id is among the topics, those without one are not answered.
 *
 * A topic that is made on the way is complete in this very answer: leader, ISR, id. Kafka answers
 * UNKNOWN_TOPIC_OR_PARTITION or LEADER_NOT_AVAILABLE first and lets the client come again.
 */
import { isRefusal } from '../cluster/controller/create-topics.ts'
import { liveBrokers, type MetadataImage, type TopicImage } from '../cluster/metadata/image.ts'
import { isInternalTopic, topicNameProblem } from '../cluster/topic-names.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import {
  type MetadataRequest,
  type MetadataResponseInput,
  metadataRequest,
  metadataResponse,
} from '../wire/schemas/03-metadata.ts'
import { CLUSTER_OPERATIONS, TOPIC_OPERATIONS } from './authorized-operations.ts'
import { automaticTopic } from './automatic-topics.ts'
import { describePartition } from './described-partition.ts'
import { brokerEndpoint } from './endpoints.ts'
import { handler, type RequestContext } from './handler.ts'
import type { Services } from './services.ts'

const FIRST_VERSION_BY_ID = 12

type TopicAnswer = NonNullable<MetadataResponseInput['topics']>[number]

export const metadata = handler({
  request: metadataRequest,
  response: metadataResponse,
  minVersion: 0,
  maxVersion: 13,

  async handle(context, request, services) {
    const wanted = wantedTopics(context.apiVersion, request)
    if (wanted === 'invalid') return refuse(request, ErrorCode.INVALID_REQUEST)
    const refusals = await createMissing(context, request, wanted, services)
    const image = services.metadata.image()
    const operations = request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : undefined
    const describe = (topic: TopicImage) => describeTopic(topic, image, context.listenerName, operations)
    const { slices } = services
    const inTurns = <T>(items: readonly T[], each: (item: T) => TopicAnswer) =>
      slices.map(items, each, slices.turn(), context.time)
    const topics =
      wanted === 'all'
        ? await inTurns([...image.topics.values()], describe)
        : await inTurns(wanted, ({ name, topicId }) => {
            if (name === null) {
              const byId = image.topicsById.get(topicId)
              return byId === undefined ? missing(ErrorCode.UNKNOWN_TOPIC_ID, null, topicId) : describe(byId)
            }
            const topic = image.topics.get(name)
            if (topic !== undefined) return describe(topic)
            return missing(refusals.get(name) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, ZERO_UUID)
          })
    return {
      brokers: liveBrokers(image).map((broker) => ({
        nodeId: broker.id,
        ...brokerEndpoint(broker, context.listenerName),
        rack: broker.rack,
      })),
      clusterId: image.clusterId,
      controllerId: controllerId(image),
      topics,
      ...(request.includeClusterAuthorizedOperations && { clusterAuthorizedOperations: CLUSTER_OPERATIONS }),
    }
  },

  refuse,
})

function refuse(request: MetadataRequest, errorCode: number): MetadataResponseInput {
  return {
    brokers: [],
    // Versions that may ask by id have none to answer with but the name, and not every one may leave that out.
    topics: (request.topics ?? [])
      .filter(({ name }) => name !== null)
      .map(({ name, topicId }) => missing(errorCode, name, topicId)),
    errorCode,
  }
}

interface WantedTopic {
  /** Null for a topic that is asked for by its id. */
  readonly name: string | null
  readonly topicId: string
}

function wantedTopics(
  version: number,
  { topics }: MetadataRequest,
): 'all' | 'invalid' | readonly WantedTopic[] {
  if (topics === null || (version === 0 && topics.length === 0)) return 'all'
  const byId = topics.filter(({ topicId }) => topicId !== ZERO_UUID)
  if (byId.length > 0) {
    return version < FIRST_VERSION_BY_ID
      ? 'invalid'
      : Array.from(new Set(byId.map(({ topicId }) => topicId)), (topicId) => ({ name: null, topicId }))
  }
  if (topics.some(({ name }) => name === null)) return 'invalid'
  return Array.from(new Set(topics.map(({ name }) => name)), (name) => ({ name, topicId: ZERO_UUID }))
}

/** Makes the topics that the request names and the cluster lacks, where that is wanted; the error code of each that could not be. */
async function createMissing(
  context: RequestContext,
  request: MetadataRequest,
  wanted: 'all' | readonly WantedTopic[],
  services: Services,
): Promise<ReadonlyMap<string, number>> {
  const refusals = new Map<string, number>()
  if (wanted === 'all') return refusals
  const { topics } = services.metadata.image()
  const lacking = new Set<string>()
  for (const { name } of wanted) {
    if (name === null || topics.has(name)) continue
    if (topicNameProblem(name) !== undefined) refusals.set(name, ErrorCode.INVALID_TOPIC_EXCEPTION)
    else lacking.add(name)
  }
  if (
    lacking.size === 0 ||
    !request.allowAutoTopicCreation ||
    !services.configs.broker.autoCreateTopicsEnable
  ) {
    return refusals
  }
  const toCreate = [...lacking].flatMap((name) => automaticTopic(name, services) ?? [])
  let results: Awaited<ReturnType<Services['controller']['createTopics']>>
  try {
    // Kafka's brokers ask for them as a client of the newest version would; the answer is not held up for it.
    const allowance = services.quotas.mutations.allowance(context.quotaClient, true)
    results = await services.controller.createTopics(toCreate, {
      validateOnly: false,
      take: (topic, partitions) => allowance.take(topic, partitions, services.clock.monotonicMs()),
    })
  } catch (error) {
    // Those that exist can be told of all the same.
    services.logger.error('topics not created automatically', { topics: toCreate.length, err: error })
    return refusals
  }
  results.forEach((result, index) => {
    // Somebody else may have made it meanwhile, which is as good.
    if (!isRefusal(result) || result.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) return
    // It is asked for again, and the quota allows it then.
    if (result.errorCode === ErrorCode.THROTTLING_QUOTA_EXCEEDED) return
    const { name } = toCreate[index]!
    refusals.set(name, result.errorCode)
    services.limitedLog.warn('topic not created automatically', 'topic not created automatically', () => ({
      topic: name,
      reason: result.message,
      client: context.clientHost,
    }))
  })
  return refusals
}

function describeTopic(
  topic: TopicImage,
  image: MetadataImage,
  listenerName: string,
  operations: number | undefined,
): TopicAnswer {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.map((partition) => describePartition(partition, image, listenerName)),
    ...(operations !== undefined && { topicAuthorizedOperations: operations }),
  }
}

function missing(errorCode: number, name: string | null, topicId: string): TopicAnswer {
  return { errorCode, name, topicId, isInternal: false, partitions: [] }
}

/** Any live broker serves the controller's requests. */
export function controllerId(image: MetadataImage): number {
  return liveBrokers(image)[0]?.id ?? -1
}
