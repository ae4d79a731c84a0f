/**
 * DeleteTopics, versions 1–6. v5 adds error texts; v6 names topics by name or by id.
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
import { repeated } from './repeated.ts'

type Result = DeleteTopicsResponseInput['responses'][number]

export const deleteTopics = handler({
  request: deleteTopicsRequest,
  response: deleteTopicsResponse,
  minVersion: 1,
  maxVersion: 6,

  async handle(context, request, services) {
    const named = topicsOf(request)
    if (!services.configs.broker.deleteTopicEnable) {
      const errorCode = context.apiVersion < 3 ? ErrorCode.INVALID_REQUEST : ErrorCode.TOPIC_DELETION_DISABLED
      return { responses: named.map((topic) => ({ ...topic, errorCode })) }
    }
    const image = services.metadata.image()
    const results: Result[] = []
    const found: { readonly name: string; readonly topicId: string }[] = []
    const twice = repeated(named.map((topic) => resolve(image, topic)?.id ?? ''))
    for (const topic of named) {
      const { name, topicId } = topic
      if (name !== null && topicId !== ZERO_UUID) {
        const errorMessage = 'You may not specify both topic name and topic id.'
        results.push({ ...topic, errorCode: ErrorCode.INVALID_REQUEST, errorMessage })
        continue
      }
      if (name === null && topicId === ZERO_UUID) {
        const errorMessage = 'Neither topic name nor id were specified.'
        results.push({ ...topic, errorCode: ErrorCode.INVALID_REQUEST, errorMessage })
        continue
      }
      const resolved = resolve(image, topic)
      if (resolved === undefined) {
        results.push({
          ...topic,
          errorCode: name === null ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          errorMessage:
            name === null
              ? 'This server does not host this topic ID.'
              : 'This server does not host this topic-partition.',
        })
      } else if (twice.has(resolved.id)) {
        const errorMessage = name === null ? 'Duplicate topic id.' : 'Duplicate topic name.'
        results.push({ ...topic, errorCode: ErrorCode.INVALID_REQUEST, errorMessage })
      } else {
        found.push({ name: resolved.name, topicId: resolved.id })
      }
    }
    const outcomes = await services.controller.deleteTopics(found.map(({ topicId }) => topicId))
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

function topicsOf(
  request: DeleteTopicsRequest,
): { readonly name: string | null; readonly topicId: string }[] {
  return [...request.topics, ...request.topicNames.map((name) => ({ name, topicId: ZERO_UUID }))]
}

function resolve(image: MetadataImage, { name, topicId }: { name: string | null; topicId: string }) {
  return name === null ? image.topicsById.get(topicId) : image.topics.get(name)
}
