/**
 * AlterConfigs, versions 0–2, which clients from before KIP-339 use: the configs of the request are all that the
 * resource has afterwards. Each resource is changed as a whole or not at all. Broker loggers have no such call.
 */
import { alterConfigsRequest, alterConfigsResponse } from '../wire/schemas/33-alter-configs.ts'
import { alterConfigs as alter, alteredResources, refusedResources } from './alter-configs.ts'
import { handler } from './handler.ts'

export const alterConfigs = handler({
  request: alterConfigsRequest,
  response: alterConfigsResponse,
  minVersion: 0,
  maxVersion: 2,

  async handle(context, { resources, validateOnly }, services) {
    const alterations = resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      change: { type: 'replace' as const, configs },
    }))
    return alteredResources(resources, await alter(alterations, validateOnly, services, context))
  },

  refuse: ({ resources }, errorCode) => refusedResources(resources, errorCode),
})
