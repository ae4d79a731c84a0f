/**
 * CreateTopics, versions 0–7.
 *
 * - v1: error texts and `validateOnly`.
 * - v4: -1 for partitions and replication factor means the broker's defaults (accepted in every version).
 * - v5: the answer carries partitions, replication factor and configs; v7: the topic's id.
 * - v6: refused with THROTTLING_QUOTA_EXCEEDED over the quota on changes; older versions are throttled only.
 *
 * When the answer leaves, the topics are led and can be produced to: Kafka may still say NOT_LEADER_OR_FOLLOWER.
 */

import { isRefusal, type Refusal } from '../cluster/controller/create-topics.ts'
import type { TopicToCreate } from '../cluster/controller.ts'
import type { TopicImage } from '../cluster/metadata/image.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type CreateTopicsRequest,
  type CreateTopicsResponseInput,
  createTopicsRequest,
  createTopicsResponse,
} from '../wire/schemas/19-create-topics.ts'
import { errorText } from './error-text.ts'
import { handler } from './handler.ts'
import { changingPartitions } from './partition-changes.ts'
import { repeated } from './repeated.ts'
import type { Services } from './services.ts'

type TopicRequest = CreateTopicsRequest['topics'][number]
type TopicResult = CreateTopicsResponseInput['topics'][number]

/** Clients of this version know that a quota on changes may refuse them (KIP-599). */
const FIRST_STRICT_VERSION = 6

export const createTopics = handler({
  request: createTopicsRequest,
  response: createTopicsResponse,
  minVersion: 0,
  maxVersion: 7,

  async handle(context, request, services) {
    const repeatedNames = repeated(request.topics.map(({ name }) => name))
    const refused = new Map<string, Refusal>()
    const toCreate: TopicToCreate[] = []
    const sortOut = (topic: TopicRequest) => {
      if (repeatedNames.has(topic.name)) {
        refused.set(topic.name, { errorCode: ErrorCode.INVALID_REQUEST, message: 'Duplicate topic name.' })
        return
      }
      const nulls = topic.configs.filter(({ value }) => value === null)
      if (nulls.length > 0) {
        const names = nulls.map(({ name }) => name).join(',')
        const message = `Null value not supported for topic configs: ${names}`
        refused.set(topic.name, { errorCode: ErrorCode.INVALID_CONFIG, message })
        return
      }
      const configs = services.configs.checkTopicConfigs(topic.configs)
      if (isRefusal(configs)) refused.set(topic.name, configs)
      else toCreate.push({ ...topic, configs })
    }
    const { slices } = services
    await slices.map(request.topics, sortOut, slices.turn(), context.time)
    const { validateOnly } = request
    const results = await changingPartitions(context, FIRST_STRICT_VERSION, services, (take) =>
      services.controller.createTopics(toCreate, { validateOnly, take }),
    )
    for (const result of results) if (isRefusal(result)) context.refusedWith(result.errorCode)
    const answers = toCreate.map((topic, index) => {
      const result = results[index]!
      return isRefusal(result)
        ? refusedTopic(topic.name, result)
        : createdTopic(result, topic.configs, services)
    })
    for (const [name, refusal] of refused) answers.push(refusedTopic(name, refusal))
    return { topics: answers }
  },

  refuse: (request: CreateTopicsRequest, errorCode) => ({
    topics: request.topics.map(({ name }: TopicRequest) => ({ name, errorCode, errorMessage: null })),
  }),
})

function refusedTopic(name: string, { errorCode, message }: Refusal): TopicResult {
  return { name, errorCode, errorMessage: errorText(message), configs: [] }
}

function createdTopic(
  topic: TopicImage,
  configs: ReadonlyMap<string, string>,
  services: Services,
): TopicResult {
  return {
    name: topic.name,
    topicId: topic.id,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    numPartitions: topic.partitions.length,
    replicationFactor: topic.partitions[0]!.replicas.length,
    configs: services.configs.describeTopic(configs),
  }
}
