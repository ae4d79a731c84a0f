import { bytes, type Infer, type Input, int16, int32, int64, message } from '../schema.ts'

export const expireDelegationTokenRequest = message(
  { name: 'ExpireDelegationTokenRequest', key: 40, versions: '0-2', flexible: '2+' },
  {
    hmac: bytes(),
    expiryTimePeriodMs: int64(),
  },
)
export interface ExpireDelegationTokenRequest extends Infer<typeof expireDelegationTokenRequest> {}
export interface ExpireDelegationTokenRequestInput extends Input<typeof expireDelegationTokenRequest> {}

export const expireDelegationTokenResponse = message(
  { name: 'ExpireDelegationTokenResponse', key: 40, versions: '0-2', flexible: '2+' },
  {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
)
export interface ExpireDelegationTokenResponse extends Infer<typeof expireDelegationTokenResponse> {}
export interface ExpireDelegationTokenResponseInput extends Input<typeof expireDelegationTokenResponse> {}
