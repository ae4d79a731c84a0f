import { ErrorCode, errorName } from '../../src/wire/error-codes.ts'

/** Where the broker is, which does not move. */
export interface Place {
  readonly host: string
  readonly port: number
}

export function expectNone(what: string, errorCode: number): void {
  if (errorCode !== ErrorCode.NONE) throw new Error(`${what}: ${errorName(errorCode)}`)
}
