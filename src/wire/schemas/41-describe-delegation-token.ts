import { array, bytes, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const describeDelegationTokenRequest = message(
  { name: 'DescribeDelegationTokenRequest', key: 41, versions: '0-3', flexible: '2+' },
  {
    owners: array({ principalType: string(), principalName: string() }, { nullable: '0+' }),
  },
)
export interface DescribeDelegationTokenRequest extends Infer<typeof describeDelegationTokenRequest> {}
export interface DescribeDelegationTokenRequestInput extends Input<typeof describeDelegationTokenRequest> {}

export const describeDelegationTokenResponse = message(
  { name: 'DescribeDelegationTokenResponse', key: 41, versions: '0-3', flexible: '2+' },
  {
    errorCode: int16(),
    tokens: array({
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string({ versions: '3+' }),
      tokenRequesterPrincipalName: string({ versions: '3+' }),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array({ principalType: string(), principalName: string() }),
    }),
    throttleTimeMs: int32(),
  },
)
export interface DescribeDelegationTokenResponse extends Infer<typeof describeDelegationTokenResponse> {}
export interface DescribeDelegationTokenResponseInput extends Input<typeof describeDelegationTokenResponse> {}
