import { array, bool, type Infer, type Input, int8, int16, int32, message, string, uuid } from '../schema.ts'

export const getTelemetrySubscriptionsRequest = message(
  { name: 'GetTelemetrySubscriptionsRequest', key: 71, versions: '0', flexible: '0+' },
  {
    clientInstanceId: uuid(),
  },
)
export interface GetTelemetrySubscriptionsRequest extends Infer<typeof getTelemetrySubscriptionsRequest> {}
export interface GetTelemetrySubscriptionsRequestInput
  extends Input<typeof getTelemetrySubscriptionsRequest> {}

export const getTelemetrySubscriptionsResponse = message(
  { name: 'GetTelemetrySubscriptionsResponse', key: 71, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    requestedMetrics: array(string()),
  },
)
export interface GetTelemetrySubscriptionsResponse extends Infer<typeof getTelemetrySubscriptionsResponse> {}
export interface GetTelemetrySubscriptionsResponseInput
  extends Input<typeof getTelemetrySubscriptionsResponse> {}
