import { array, bytes, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const alterUserScramCredentialsRequest = message(
  { name: 'AlterUserScramCredentialsRequest', key: 51, versions: '0', flexible: '0+' },
  {
    deletions: array({ name: string(), mechanism: int8() }),
    upsertions: array({
      name: string(),
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  },
)
export interface AlterUserScramCredentialsRequest extends Infer<typeof alterUserScramCredentialsRequest> {}
export interface AlterUserScramCredentialsRequestInput
  extends Input<typeof alterUserScramCredentialsRequest> {}

export const alterUserScramCredentialsResponse = message(
  { name: 'AlterUserScramCredentialsResponse', key: 51, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+' }),
    }),
  },
)
export interface AlterUserScramCredentialsResponse extends Infer<typeof alterUserScramCredentialsResponse> {}
export interface AlterUserScramCredentialsResponseInput
  extends Input<typeof alterUserScramCredentialsResponse> {}
