/**
 * DescribeConfigs, versions 0–4: topics, brokers (an empty name stands for all of them), broker loggers, groups and
 * client metrics, every key with its default, source and synonyms.
 *
 * - v0 tells of each value only whether it is the default.
 * - v3: types and documentation.
 */

import { configsOf } from '../cluster/metadata/image.ts'
import { topicNameProblem } from '../cluster/topic-names.ts'
import {
  type ConfigEntry,
  ConfigSource,
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
import { describeLoggers } from './broker-loggers.ts'
import { ensureNodeId, ResourceType } from './config-resources.ts'
import { ALL_BROKERS } from './config-service.ts'
import { errorText } from './error-text.ts'
import { handler } from './handler.ts'
import { repeated } from './repeated.ts'
import type { Services } from './services.ts'

type Resource = DescribeConfigsRequest['resources'][number]

export const describeConfigs = handler({
  request: describeConfigsRequest,
  response: describeConfigsResponse,
  minVersion: 0,
  maxVersion: 4,

  async handle(context, request, services) {
    const { slices } = services
    const twice = repeated(request.resources.map(nameOf))
    const answer = (resource: Resource) => {
      const { resourceType, resourceName } = resource
      try {
        // A resource takes a hundred bytes to name and a hundred thousand to describe.
        if (twice.has(nameOf(resource))) {
          throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Each resource must appear at most once.')
        }
        const configs = describe(resource, services).map((entry) => ({
          ...entry,
          ...(context.apiVersion === 0 && { isDefault: entry.configSource === ConfigSource.DEFAULT_CONFIG }),
          synonyms: request.includeSynonyms ? entry.synonyms : [],
          // Loggers have none, and no way to ask for it.
          documentation:
            request.includeDocumentation || resourceType === ResourceType.BROKER_LOGGER
              ? entry.documentation
              : null,
        }))
        return { errorCode: ErrorCode.NONE, errorMessage: '', resourceType, resourceName, configs }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return {
          errorCode: error.code,
          errorMessage: errorText(error.message),
          resourceType,
          resourceName,
          configs: [],
        }
      }
    }
    return { results: await slices.map(request.resources, answer, slices.turn(), context.time) }
  },

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

function nameOf({ resourceType, resourceName }: Resource): string {
  return `${resourceType} ${resourceName}`
}

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
      ensureNodeId(
        resourceName,
        nodeId,
        `Unexpected broker id, expected ${nodeId} or empty string, but received ${resourceName}`,
        'Broker id',
      )
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
      if (resourceName === '') throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Broker id must not be empty')
      ensureNodeId(
        resourceName,
        nodeId,
        `Unexpected broker id, expected ${nodeId} but received ${resourceName}`,
        'Broker id',
      )
      return describeLoggers(services.logLevels, names)
    default:
      throw new KafkaError(ErrorCode.INVALID_REQUEST, defaultErrorMessage(ErrorCode.INVALID_REQUEST))
  }
}
