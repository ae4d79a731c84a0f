/**
 * DeleteTopics, versions 0–6. v5 adds error texts; v6 names topics by name or by id.
 *
 * The name can be used again as soon as the answer has left; the disk is freed after `file.delete.delay.ms`.
 */
import type { MetadataImage } from '../cluster/metadata/image.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import {
  type DeleteTopicsRequest,
  type DeleteTopicsResponseInput,
  deleteTopicsRequest,
  deleteTopicsResponse,
} from '../wire/schemas/20-delete-topics.ts'
import { handler } from './handler.ts'
import { changingPartitions } from './partition-changes.ts'

type Result = DeleteTopicsResponseInput['responses'][number]
type NamedTopic = { readonly name: string | null; readonly topicId: string }

/** Clients of this version know that a quota on changes may refuse them (KIP-599). */
const FIRST_STRICT_VERSION = 5

export const deleteTopics = handler({
  request: deleteTopicsRequest,
  response: deleteTopicsResponse,
  minVersion: 0,
  maxVersion: 6,

  async handle(context, request, services) {
    const named = topicsOf(request)
    if (!services.configs.broker.deleteTopicEnable) {
      const errorCode = context.apiVersion < 3 ? ErrorCode.INVALID_REQUEST : ErrorCode.TOPIC_DELETION_DISABLED
      return { responses: named.map((topic) => ({ ...topic, errorCode })) }
    }
    const { results, found } = sortOut(services.metadata.image(), named)
    const ids = found.map(({ topicId }) => topicId)
    const outcomes = await changingPartitions(context, FIRST_STRICT_VERSION, services, (take) =>
      services.controller.deleteTopics(ids, take),
    )
    outcomes.forEach((outcome, index) => {
      results.push({
        ...found[index]!,
        errorCode: outcome?.errorCode ?? ErrorCode.NONE,
        errorMessage: outcome?.message ?? null,
      })
    })
    return { responses: results }
  },

  refuse: (request, errorCode) => ({
    responses: topicsOf(request).map((topic) => ({ ...topic, errorCode })),
  }),
})

/** Kafka's `ControllerApis.deleteTopics`: what is named twice is answered once, and not deleted. */
function sortOut(image: MetadataImage, named: readonly NamedTopic[]) {
  const results: Result[] = []
  const names = new Set<string>()
  const ids = new Set<string>()
  const twice = new Set<string>()
  const refuse = (topic: NamedTopic, errorCode: number, errorMessage: string) =>
    results.push({ ...topic, errorCode, errorMessage })
  for (const topic of named) {
    const { name, topicId } = topic
    if (name !== null && topicId !== ZERO_UUID) {
      refuse(topic, ErrorCode.INVALID_REQUEST, 'You may not specify both topic name and topic id.')
    } else if (name === null && topicId === ZERO_UUID) {
      refuse(topic, ErrorCode.INVALID_REQUEST, 'Neither topic name nor id were specified.')
    } else {
      const seen = name === null ? ids : names
      const key = name ?? topicId
      if (!seen.has(key)) seen.add(key)
      else if (!twice.has(key)) {
        twice.add(key)
        const kind = name === null ? 'id' : 'name'
        refuse(topic, ErrorCode.INVALID_REQUEST, `Duplicate topic ${kind}.`)
      }
    }
  }
  const found = new Map<string, { readonly name: string; readonly topicId: string }>()
  for (const topicId of ids) {
    if (twice.has(topicId)) continue
    const topic = image.topicsById.get(topicId)
    if (topic === undefined) {
      refuse({ name: null, topicId }, ErrorCode.UNKNOWN_TOPIC_ID, 'This server does not host this topic ID.')
    } else found.set(topicId, { name: topic.name, topicId })
  }
  for (const name of names) {
    if (twice.has(name)) continue
    const topic = image.topics.get(name)
    if (topic === undefined) {
      const text = 'This server does not host this topic-partition.'
      refuse({ name, topicId: ZERO_UUID }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, text)
    } else if (ids.has(topic.id)) {
      found.delete(topic.id)
      const text = 'The provided topic name maps to an ID that was already supplied.'
      refuse({ name, topicId: topic.id }, ErrorCode.INVALID_REQUEST, text)
    } else found.set(topic.id, { name, topicId: topic.id })
  }
  return { results, found: [...found.values()] }
}

function topicsOf(request: DeleteTopicsRequest): NamedTopic[] {
  return [...request.topics, ...request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))]
}
