/**
 * DescribeConfigs, versions 1–4: topics, brokers (an empty name stands for all of them), groups and client metrics,
 * every key with its default, source and synonyms. v3: types and documentation.
 *
 * Not done: broker loggers, which there are none of.
 */
import { configsOf } from '../cluster/metadata/image.ts'
import { topicNameProblem } from '../cluster/topic-names.ts'
import {
  type ConfigEntry,
  describeAllBrokers,
  describeBroker,
  describeClientMetrics,
  describeGroup,
  describeTopic,
} from '../config/describe.ts'
import { defaultErrorMessage, ErrorCode, KafkaError } from '../wire/error-codes.ts'
import {
  type DescribeConfigsRequest,
  describeConfigsRequest,
  describeConfigsResponse,
} from '../wire/schemas/32-describe-configs.ts'
import { ResourceType } from './config-resources.ts'
import { ALL_BROKERS } from './config-service.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

type Resource = DescribeConfigsRequest['resources'][number]

export const describeConfigs = handler({
  request: describeConfigsRequest,
  response: describeConfigsResponse,
  minVersion: 1,
  maxVersion: 4,

  handle: (_context, request, services) => ({
    results: request.resources.map((resource) => {
      const { resourceType, resourceName } = resource
      try {
        const configs = describe(resource, services).map((entry) => ({
          ...entry,
          synonyms: request.includeSynonyms ? entry.synonyms : [],
          documentation: request.includeDocumentation ? entry.documentation : null,
        }))
        return { errorCode: ErrorCode.NONE, errorMessage: '', resourceType, resourceName, configs }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return { errorCode: error.code, errorMessage: error.message, resourceType, resourceName, configs: [] }
      }
    }),
  }),

  refuse: (request, errorCode) => ({
    results: request.resources.map(({ resourceType, resourceName }) => ({
      errorCode,
      errorMessage: null,
      resourceType,
      resourceName,
      configs: [],
    })),
  }),
})

function describe(
  { resourceType, resourceName, configurationKeys }: Resource,
  services: Services,
): ConfigEntry[] {
  const { configs, metadata, nodeId } = services
  const image = metadata.image()
  // An empty list asks for all, as null does (KAFKA-4.x `ConfigHelper`).
  const names = configurationKeys !== null && configurationKeys.length > 0 ? configurationKeys : null
  switch (resourceType) {
    case ResourceType.TOPIC: {
      const problem = topicNameProblem(resourceName)
      if (problem !== undefined) throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
      if (!image.topics.has(resourceName)) {
        throw new KafkaError(
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          'This server does not host this topic-partition.',
        )
      }
      return describeTopic(configsOf(image, 'topic', resourceName), configs.initial, configs.dynamic(), names)
    }
    case ResourceType.BROKER:
      if (resourceName === ALL_BROKERS) return describeAllBrokers(configs.dynamic(), names)
      ensureThisBroker(resourceName, nodeId)
      return describeBroker(configs.initial, configs.dynamic(), names)
    case ResourceType.GROUP:
      if (resourceName === '') throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Group name must not be empty')
      return describeGroup(configsOf(image, 'group', resourceName), configs.initial, configs.dynamic(), names)
    case ResourceType.CLIENT_METRICS:
      if (resourceName === '') {
        throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Client metrics subscription name must not be empty')
      }
      return describeClientMetrics(configsOf(image, 'client-metrics', resourceName), names)
    case ResourceType.BROKER_LOGGER:
      ensureThisBroker(resourceName, nodeId)
      return []
    default:
      throw new KafkaError(ErrorCode.INVALID_REQUEST, defaultErrorMessage(ErrorCode.INVALID_REQUEST))
  }
}

function ensureThisBroker(resourceName: string, nodeId: number): void {
  if (!/^-?\d+$/.test(resourceName)) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Broker id must be an integer, but it is: ${resourceName}`,
    )
  }
  if (Number(resourceName) !== nodeId) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      `Unexpected broker id, expected ${nodeId} or empty string, but received ${resourceName}`,
    )
  }
}
