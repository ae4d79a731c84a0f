/**
 * UpdateFeatures, versions 0–2 (KIP-584): all updates or none, refused with INVALID_UPDATE_VERSION for the request.
 *
 * - v0 has no upgrade types, and Kafka does not look at its `allowDowngrade`: everything is an upgrade.
 * - v0–1 name every feature of the request in the answer; v2 has the error of the request only.
 */

import { ErrorCode } from '../wire/error-codes.ts'
import { updateFeaturesRequest, updateFeaturesResponse } from '../wire/schemas/57-update-features.ts'
import { errorText } from './error-text.ts'
import { planFeatureUpdates } from './features.ts'
import { handler } from './handler.ts'

export const updateFeatures = handler({
  request: updateFeaturesRequest,
  response: updateFeaturesResponse,
  minVersion: 0,
  maxVersion: 2,

  async handle(context, { featureUpdates, validateOnly }, services) {
    const updates = featureUpdates.map(({ feature, maxVersionLevel, upgradeType }) => ({
      feature,
      level: maxVersionLevel,
      upgradeType,
    }))
    const refusal = await services.controller.update((image) => {
      const { changes, result } = planFeatureUpdates(image, updates, services.nodeId)
      return { changes: validateOnly ? [] : changes, result }
    })
    if (refusal !== undefined) {
      const errorMessage = `The update failed for all features since the following feature had an error: ${refusal}`
      return {
        errorCode: ErrorCode.INVALID_UPDATE_VERSION,
        errorMessage: errorText(errorMessage),
        results: [],
      }
    }
    const named = context.apiVersion <= 1 ? featureUpdates : []
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      // Kafka writes the name of the error there.
      results: named.map(({ feature }) => ({ feature, errorCode: ErrorCode.NONE, errorMessage: 'NONE' })),
    }
  },

  refuse: (_request, errorCode) => ({ errorCode, errorMessage: null, results: [] }),
})
