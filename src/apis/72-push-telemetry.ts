/** PushTelemetry, version 0 (KIP-714): metrics of a client in OpenTelemetry's protocol, shown on `/metrics`. */
import { ErrorCode } from '../wire/error-codes.ts'
import { pushTelemetryRequest, pushTelemetryResponse } from '../wire/schemas/72-push-telemetry.ts'
import { telemetryClient } from './71-get-telemetry-subscriptions.ts'
import { handler } from './handler.ts'

export const pushTelemetry = handler({
  request: pushTelemetryRequest,
  response: pushTelemetryResponse,
  minVersion: 0,
  maxVersion: 0,

  handle(context, request, { telemetry }) {
    const { droppedCount } = telemetry.metrics
    telemetry.push(request, telemetryClient(context))
    if (telemetry.metrics.droppedCount > droppedCount) context.boundMet('telemetry.series')
    return { errorCode: ErrorCode.NONE }
  },

  refuse: (_request, errorCode) => ({ errorCode }),
})
