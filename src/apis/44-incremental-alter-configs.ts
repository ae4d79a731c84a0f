/**
 * IncrementalAlterConfigs, versions 0–1 (KIP-339): SET, DELETE, APPEND and SUBTRACT on topics, brokers, broker loggers,
 * groups and client metrics. Each resource is changed as a whole or not at all. What is acted on takes effect with the
 * answer.
 */
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from '../wire/schemas/44-incremental-alter-configs.ts'
import { alterConfigs as alter, alteredResources, refusedResources } from './alter-configs.ts'
import { handler } from './handler.ts'

export const incrementalAlterConfigs = handler({
  request: incrementalAlterConfigsRequest,
  response: incrementalAlterConfigsResponse,
  minVersion: 0,
  maxVersion: 1,

  async handle(context, { resources, validateOnly }, services) {
    const alterations = resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      change: {
        type: 'edit' as const,
        configs: configs.map(({ name, value, configOperation }) => ({
          name,
          value,
          operation: configOperation,
        })),
      },
    }))
    return alteredResources(resources, await alter(alterations, validateOnly, services, context))
  },

  refuse: ({ resources }, errorCode) => refusedResources(resources, errorCode),
})
