/**
 * ListConfigResources, versions 0–1 (KIP-1142): what has configs, or may have them. v0 asks for client metrics only,
 * which is what the API was for; from v1 on an empty list of types asks for all.
 */
import { configResourceNames, liveBrokers, type MetadataImage } from '../cluster/metadata/image.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  listConfigResourcesRequest,
  listConfigResourcesResponse,
} from '../wire/schemas/74-list-config-resources.ts'
import { ResourceType } from './config-resources.ts'
import { handler } from './handler.ts'

const ALL_TYPES: readonly number[] = Object.values(ResourceType)

export const listConfigResources = handler({
  request: listConfigResourcesRequest,
  response: listConfigResourcesResponse,
  minVersion: 0,
  maxVersion: 1,

  handle(context, { resourceTypes }, services) {
    const types = new Set(context.apiVersion === 0 ? [ResourceType.CLIENT_METRICS] : resourceTypes)
    for (const type of types) {
      if (!ALL_TYPES.includes(type)) return { errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] }
    }
    const image = services.metadata.image()
    const wanted = types.size === 0 ? ALL_TYPES : [...types]
    return {
      errorCode: ErrorCode.NONE,
      configResources: wanted.flatMap((resourceType) =>
        namesOf(resourceType, image).map((resourceName) => ({ resourceName, resourceType })),
      ),
    }
  },

  refuse: (_request, errorCode) => ({ errorCode, configResources: [] }),
})

function namesOf(resourceType: number, image: MetadataImage): readonly string[] {
  switch (resourceType) {
    case ResourceType.TOPIC:
      return [...image.topics.keys()]
    case ResourceType.BROKER:
    case ResourceType.BROKER_LOGGER:
      return liveBrokers(image).map(({ id }) => String(id))
    case ResourceType.GROUP:
      return configResourceNames(image, 'group')
    default:
      return configResourceNames(image, 'client-metrics')
  }
}
