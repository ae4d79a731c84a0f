import { bytes, type Infer, type Input, int16, int32, int64, message } from '../schema.ts'

export const renewDelegationTokenRequest = message(
  { name: 'RenewDelegationTokenRequest', key: 39, versions: '0-2', flexible: '2+' },
  {
    hmac: bytes(),
    renewPeriodMs: int64(),
  },
)
export interface RenewDelegationTokenRequest extends Infer<typeof renewDelegationTokenRequest> {}
export interface RenewDelegationTokenRequestInput extends Input<typeof renewDelegationTokenRequest> {}

export const renewDelegationTokenResponse = message(
  { name: 'RenewDelegationTokenResponse', key: 39, versions: '0-2', flexible: '2+' },
  {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
)
export interface RenewDelegationTokenResponse extends Infer<typeof renewDelegationTokenResponse> {}
export interface RenewDelegationTokenResponseInput extends Input<typeof renewDelegationTokenResponse> {}
