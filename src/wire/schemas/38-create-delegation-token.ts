import { array, bytes, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const createDelegationTokenRequest = message(
  { name: 'CreateDelegationTokenRequest', key: 38, versions: '0-3', flexible: '2+' },
  {
    ownerPrincipalType: string({ versions: '3+', nullable: '3+' }),
    ownerPrincipalName: string({ versions: '3+', nullable: '3+' }),
    renewers: array({ principalType: string(), principalName: string() }),
    maxLifetimeMs: int64(),
  },
)
export interface CreateDelegationTokenRequest extends Infer<typeof createDelegationTokenRequest> {}
export interface CreateDelegationTokenRequestInput extends Input<typeof createDelegationTokenRequest> {}

export const createDelegationTokenResponse = message(
  { name: 'CreateDelegationTokenResponse', key: 38, versions: '0-3', flexible: '2+' },
  {
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string({ versions: '3+' }),
    tokenRequesterPrincipalName: string({ versions: '3+' }),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32(),
  },
)
export interface CreateDelegationTokenResponse extends Infer<typeof createDelegationTokenResponse> {}
export interface CreateDelegationTokenResponseInput extends Input<typeof createDelegationTokenResponse> {}
