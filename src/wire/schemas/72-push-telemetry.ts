import { bool, bytes, type Infer, type Input, int8, int16, int32, message, uuid } from '../schema.ts'

export const pushTelemetryRequest = message(
  { name: 'PushTelemetryRequest', key: 72, versions: '0', flexible: '0+' },
  {
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    terminating: bool(),
    compressionType: int8(),
    metrics: bytes(),
  },
)
export interface PushTelemetryRequest extends Infer<typeof pushTelemetryRequest> {}
export interface PushTelemetryRequestInput extends Input<typeof pushTelemetryRequest> {}

export const pushTelemetryResponse = message(
  { name: 'PushTelemetryResponse', key: 72, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
)
export interface PushTelemetryResponse extends Infer<typeof pushTelemetryResponse> {}
export interface PushTelemetryResponseInput extends Input<typeof pushTelemetryResponse> {}
