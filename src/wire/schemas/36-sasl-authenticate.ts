import { bytes, type Infer, type Input, int16, int64, message, string } from '../schema.ts'

export const saslAuthenticateRequest = message(
  { name: 'SaslAuthenticateRequest', key: 36, versions: '0-2', flexible: '2+' },
  {
    authBytes: bytes(),
  },
)
export interface SaslAuthenticateRequest extends Infer<typeof saslAuthenticateRequest> {}
export interface SaslAuthenticateRequestInput extends Input<typeof saslAuthenticateRequest> {}

export const saslAuthenticateResponse = message(
  { name: 'SaslAuthenticateResponse', key: 36, versions: '0-2', flexible: '2+' },
  {
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ versions: '1+', default: 0, ignorable: true }),
  },
)
export interface SaslAuthenticateResponse extends Infer<typeof saslAuthenticateResponse> {}
export interface SaslAuthenticateResponseInput extends Input<typeof saslAuthenticateResponse> {}
