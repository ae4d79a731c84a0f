/**
 * DescribeUserScramCredentials, version 0. Kafka's tools ask it together with the quotas of users. This broker keeps no
 * SCRAM credentials, as nobody authenticates yet: there are none of any user.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type DescribeUserScramCredentialsRequest,
  describeUserScramCredentialsRequest,
  describeUserScramCredentialsResponse,
} from '../wire/schemas/50-describe-user-scram-credentials.ts'
import { handler } from './handler.ts'
import { repeated } from './repeated.ts'

export const describeUserScramCredentials = handler({
  request: describeUserScramCredentialsRequest,
  response: describeUserScramCredentialsResponse,
  minVersion: 0,
  maxVersion: 0,

  handle(_context, request) {
    const names = namesOf(request)
    const twice = repeated(names)
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      results: Array.from(new Set(names), (user) => ({
        user,
        errorCode: twice.has(user) ? ErrorCode.DUPLICATE_RESOURCE : ErrorCode.RESOURCE_NOT_FOUND,
        errorMessage: twice.has(user)
          ? `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`
          : `Attempt to describe a user credential that does not exist: ${user}`,
        credentialInfos: [],
      })),
    }
  },

  refuse: (request, errorCode) => ({
    errorCode,
    errorMessage: null,
    results: namesOf(request).map((user) => ({ user, errorCode, errorMessage: null, credentialInfos: [] })),
  }),
})

/** None stands for all users. */
function namesOf({ users }: DescribeUserScramCredentialsRequest): string[] {
  return (users ?? []).map(({ name }) => name)
}
