import { MetadataStoreError } from './cluster/metadata/commit-codec.ts'
import { LogDirectoryError } from './logstore/log-errors.ts'
import { BindError } from './net/listener.ts'

/** Why a broker cannot start, in one line for the operator. */
export class StartError extends Error {
  override name = 'StartError'
}

/** Of what an operator can mend, a StartError; all else as it is. */
export function startError(error: unknown): unknown {
  const expected =
    error instanceof BindError || error instanceof LogDirectoryError || error instanceof MetadataStoreError
  if (expected) return new StartError(error.message, { cause: error })
  return isFileSystemError(error)
    ? new StartError(`the data directory cannot be used: ${error.message}`, { cause: error })
    : error
}

/** As Node makes them: the code of the system with the path, or the call where that has a descriptor only. */
function isFileSystemError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && ('path' in error || 'syscall' in error)
}
