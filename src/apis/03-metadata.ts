/**
 * Metadata, versions 0–13.
 *
 * - A null list of topics (from v1; in v0 an empty one) asks for all of them.
 * - v4: `allowAutoTopicCreation`; below it a missing topic is always made where the broker allows.
 * - v10: topic ids; v12: asked for by id with a null name.
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
import { brokerEndpoint } from './endpoints.ts'
import { handler, type RequestContext } from './handler.ts'
import type { Services } from './services.ts'

type TopicAnswer = NonNullable<MetadataResponseInput['topics']>[number]

export const metadata = handler({
  request: metadataRequest,
  response: metadataResponse,
  minVersion: 0,
  maxVersion: 13,

  async handle(context, request, services) {
    const refusals = await createMissing(context, request, services)
    const image = services.metadata.image()
    const operations = request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : undefined
    const describe = (topic: TopicImage) => describeTopic(topic, image, context.listenerName, operations)
    return {
      brokers: liveBrokers(image).map((broker) => ({
        nodeId: broker.id,
        ...brokerEndpoint(broker, context.listenerName),
        rack: broker.rack,
      })),
      clusterId: image.clusterId,
      controllerId: controllerId(image),
      topics: wantsAll(context.apiVersion, request)
        ? Array.from(image.topics.values(), describe)
        : request.topics!.map(({ name, topicId }) => {
            if (name === null) {
              const byId = image.topicsById.get(topicId)
              return byId === undefined ? missing(ErrorCode.UNKNOWN_TOPIC_ID, null, topicId) : describe(byId)
            }
            const topic = image.topics.get(name)
            if (topic !== undefined) return describe(topic)
            return missing(refusals.get(name) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name, ZERO_UUID)
          }),
      ...(request.includeClusterAuthorizedOperations && { clusterAuthorizedOperations: CLUSTER_OPERATIONS }),
    }
  },

  refuse: (request, errorCode) => ({
    brokers: [],
    topics: (request.topics ?? []).map(({ name, topicId }) => missing(errorCode, name, topicId)),
    errorCode,
  }),
})

function wantsAll(version: number, request: MetadataRequest): boolean {
  return request.topics === null || (version === 0 && request.topics.length === 0)
}

/** Makes the topics that the request names and the cluster lacks, where that is wanted; the error code of each that could not be. */
async function createMissing(
  context: RequestContext,
  request: MetadataRequest,
  services: Services,
): Promise<ReadonlyMap<string, number>> {
  const refusals = new Map<string, number>()
  if (wantsAll(context.apiVersion, request)) return refusals
  const { topics } = services.metadata.image()
  const wanted = new Set<string>()
  for (const { name } of request.topics!) {
    if (name === null || topics.has(name)) continue
    if (topicNameProblem(name) !== undefined) refusals.set(name, ErrorCode.INVALID_TOPIC_EXCEPTION)
    else wanted.add(name)
  }
  if (
    wanted.size === 0 ||
    !request.allowAutoTopicCreation ||
    !services.configs.broker.autoCreateTopicsEnable
  ) {
    return refusals
  }
  const names = [...wanted]
  const results = await services.controller.createTopics(
    names.map((name) => services.configs.automaticTopic(name)),
    { validateOnly: false },
  )
  results.forEach((result, index) => {
    // Somebody else may have made it meanwhile, which is as good.
    if (!isRefusal(result) || result.errorCode === ErrorCode.TOPIC_ALREADY_EXISTS) return
    refusals.set(names[index]!, result.errorCode)
    services.logger.warn('topic not created automatically', { topic: names[index], reason: result.message })
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
    partitions: topic.partitions.map((partition) => {
      const leader = image.brokers.get(partition.leader)
      const offlineReplicas = partition.replicas.filter((id) => image.brokers.get(id)?.fenced !== false)
      return {
        errorCode: leaderError(leader, listenerName),
        partitionIndex: partition.partition,
        leaderId: partition.leader,
        leaderEpoch: partition.leaderEpoch,
        replicaNodes: partition.replicas,
        isrNodes: partition.isr,
        offlineReplicas,
      }
    }),
    ...(operations !== undefined && { topicAuthorizedOperations: operations }),
  }
}

function leaderError(
  leader: { readonly fenced: boolean; readonly listeners: readonly { readonly name: string }[] } | undefined,
  listenerName: string,
): number {
  if (leader === undefined || leader.fenced) return ErrorCode.LEADER_NOT_AVAILABLE
  return leader.listeners.some(({ name }) => name === listenerName)
    ? ErrorCode.NONE
    : ErrorCode.LISTENER_NOT_FOUND
}

function missing(errorCode: number, name: string | null, topicId: string): TopicAnswer {
  return { errorCode, name, topicId, isInternal: false, partitions: [] }
}

/** Any live broker serves the controller's requests. */
export function controllerId(image: MetadataImage): number {
  return liveBrokers(image)[0]?.id ?? -1
}
