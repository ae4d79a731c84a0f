/**
 * ApiVersions, versions 0–4. What is advertised is what the handler table serves.
 *
 * - v3: the client names its software, and the answer carries features.
 * - An unknown version is answered in v0 with UNSUPPORTED_VERSION and the range of ApiVersions, by the dispatcher.
 * - Feature ranges that start at 0 are left out below v4 (KIP-584, KAFKA-17011): older Java clients reject them.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import { apiVersionsRequest, apiVersionsResponse } from '../wire/schemas/18-api-versions.ts'
import { SUPPORTED_FEATURES } from './features.ts'
import { handler } from './handler.ts'

/** Kafka's `ApiVersionsRequest.isValid`. */
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

export interface ApiRange {
  readonly apiKey: number
  readonly minVersion: number
  readonly maxVersion: number
}

/** `served` is read at the first request: the table holds this handler too. */
export function apiVersions(served: () => readonly ApiRange[]) {
  return handler({
    request: apiVersionsRequest,
    response: apiVersionsResponse,
    minVersion: 0,
    maxVersion: 4,

    handle(context, request, services) {
      const { apiVersion } = context
      if (
        apiVersion >= 3 &&
        !(SOFTWARE_NAME.test(request.clientSoftwareName) && SOFTWARE_NAME.test(request.clientSoftwareVersion))
      ) {
        return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] }
      }
      if (apiVersion >= 3) {
        context.nameClientSoftware(request.clientSoftwareName, request.clientSoftwareVersion)
      }
      const image = services.metadata.image()
      return {
        errorCode: ErrorCode.NONE,
        apiKeys: served(),
        supportedFeatures: SUPPORTED_FEATURES.filter(({ minVersion }) => apiVersion >= 4 || minVersion > 0),
        finalizedFeaturesEpoch: image.version,
        finalizedFeatures: Array.from(image.features)
          .filter(([, level]) => level > 0)
          .map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
      }
    },

    refuse: (_request, errorCode) => ({ errorCode, apiKeys: served() }),
  })
}
