import { array, type Infer, type Input, int16, message, string } from '../schema.ts'

export const saslHandshakeRequest = message(
  { name: 'SaslHandshakeRequest', key: 17, versions: '0-1' },
  {
    mechanism: string(),
  },
)
export interface SaslHandshakeRequest extends Infer<typeof saslHandshakeRequest> {}
export interface SaslHandshakeRequestInput extends Input<typeof saslHandshakeRequest> {}

export const saslHandshakeResponse = message(
  { name: 'SaslHandshakeResponse', key: 17, versions: '0-1' },
  {
    errorCode: int16(),
    mechanisms: array(string()),
  },
)
export interface SaslHandshakeResponse extends Infer<typeof saslHandshakeResponse> {}
export interface SaslHandshakeResponseInput extends Input<typeof saslHandshakeResponse> {}
