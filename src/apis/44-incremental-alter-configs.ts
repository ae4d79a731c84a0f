/**
 * IncrementalAlterConfigs, versions 0–1 (KIP-339): SET, DELETE, APPEND and SUBTRACT on topics, brokers and groups.
 * Each resource is changed as a whole or not at all. What is acted on takes effect with the answer.
 */

import { ErrorCode } from '../wire/error-codes.ts'
import {
  type IncrementalAlterConfigsRequest,
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from '../wire/schemas/44-incremental-alter-configs.ts'
import { type AlteredConfigs, alterConfigs, type ConfigAlteration, ConfigOperation } from './alter-configs.ts'
import { handler } from './handler.ts'
import { repeated } from './repeated.ts'

export const incrementalAlterConfigs = handler({
  request: incrementalAlterConfigsRequest,
  response: incrementalAlterConfigsResponse,
  minVersion: 0,
  maxVersion: 1,

  async handle(_context, request, services) {
    const twice = repeated(
      request.resources.map(({ resourceType, resourceName }) => `${resourceType} ${resourceName}`),
    )
    const alterations = request.resources.map((resource): ConfigAlteration | AlteredConfigs => {
      const { resourceType, resourceName } = resource
      const problem = twice.has(`${resourceType} ${resourceName}`)
        ? 'Each resource must appear at most once.'
        : operationsProblem(resource)
      if (problem !== undefined) return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: problem }
      return {
        resourceType,
        resourceName,
        operations: resource.configs.map(({ name, configOperation, value }) => ({
          name,
          operation: configOperation,
          value: value ?? '',
        })),
      }
    })
    const outcomes = await alterConfigs(alterations, request.validateOnly, services)
    return {
      responses: request.resources.map(({ resourceType, resourceName }, index) => ({
        ...outcomes[index]!,
        resourceType,
        resourceName,
      })),
    }
  },

  refuse: (request, errorCode) => ({
    responses: request.resources.map(({ resourceType, resourceName }) => ({
      errorCode,
      errorMessage: null,
      resourceType,
      resourceName,
    })),
  }),
})

function operationsProblem({
  configs,
}: IncrementalAlterConfigsRequest['resources'][number]): string | undefined {
  const twice = repeated(configs.map(({ name }) => name))
  if (twice.size > 0) return 'Error due to duplicate config keys'
  const nulls = configs.filter(
    ({ value, configOperation }) => value === null && configOperation !== ConfigOperation.DELETE,
  )
  if (nulls.length > 0) return `Null value not supported for : ${nulls.map(({ name }) => name).join(', ')}`
  const unknown = configs.find(({ configOperation }) => configOperation < 0 || configOperation > 3)
  return unknown && `Unknown operation type ${unknown.configOperation} for config ${unknown.name}`
}
