import { ErrorCode, errorName } from '../../src/wire/error-codes.ts'

/** Throws where an answer has an error, or should have had a code and has none. */
export function expectNone(what: string, errorCode: number | undefined): void {
  if (errorCode !== ErrorCode.NONE)
    throw new Error(`${what}: ${errorName(errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR)}`)
}
