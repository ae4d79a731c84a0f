import { array, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const describeUserScramCredentialsRequest = message(
  { name: 'DescribeUserScramCredentialsRequest', key: 50, versions: '0', flexible: '0+' },
  {
    users: array({ name: string() }, { nullable: '0+' }),
  },
)
export interface DescribeUserScramCredentialsRequest
  extends Infer<typeof describeUserScramCredentialsRequest> {}
export interface DescribeUserScramCredentialsRequestInput
  extends Input<typeof describeUserScramCredentialsRequest> {}

export const describeUserScramCredentialsResponse = message(
  { name: 'DescribeUserScramCredentialsResponse', key: 50, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+' }),
      credentialInfos: array({ mechanism: int8(), iterations: int32() }),
    }),
  },
)
export interface DescribeUserScramCredentialsResponse
  extends Infer<typeof describeUserScramCredentialsResponse> {}
export interface DescribeUserScramCredentialsResponseInput
  extends Input<typeof describeUserScramCredentialsResponse> {}
