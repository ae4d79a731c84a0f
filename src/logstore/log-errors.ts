import { ErrorCode, KafkaError } from '../wire/error-codes.ts'

/** What is wrong with one record of a refused batch; Produce v8+ carries it to the client. */
export interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

/** An append that was refused; nothing of it is in the log. */
export class AppendRefused extends KafkaError {
  override name = 'AppendRefused'
  readonly recordErrors: readonly RecordError[]

  constructor(errorCode: number, message: string, recordErrors: readonly RecordError[] = []) {
    super(errorCode, message)
    this.recordErrors = recordErrors
  }

  get errorCode(): number {
    return this.code
  }
}

/** The disk failed, now or before: KAFKA_STORAGE_ERROR. The cause is the file system's error. */
export class LogStorageError extends KafkaError {
  override name = 'LogStorageError'

  constructor(message: string, cause: unknown) {
    super(ErrorCode.KAFKA_STORAGE_ERROR, message, { cause })
  }
}

/** Bytes on disk that no writer of this format leaves there. */
export class CorruptLogError extends KafkaError {
  override name = 'CorruptLogError'

  constructor(message: string, options?: ErrorOptions) {
    super(ErrorCode.CORRUPT_MESSAGE, message, options)
  }
}

/** What was written may be lost, whatever the reason: a disk that is full when it writes back has dropped the bytes. */
export class FailedSyncError extends Error {
  override name = 'FailedSyncError'
}

/** A log directory that can't be used as it is: locked, another cluster's, of a newer format. The message says it all. */
export class LogDirectoryError extends Error {
  override name = 'LogDirectoryError'
}

/** The file system does not let the directory be used. Kafka goes on without it, where it has others. */
export class UnusableDirectoryError extends LogDirectoryError {
  override name = 'UnusableDirectoryError'
}

/** Codes of what passes, or is our own doing: a full disk, too many open files, a file closed under its reader. */
const PASSING_CODES: ReadonlySet<unknown> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'EINTR',
  'EAGAIN',
  'EBADF',
])

/** Whether the file system failed in a way that waiting does not mend: Kafka gives a directory up for it. */
export function isDeviceFailure(error: unknown): boolean {
  const cause = error instanceof LogStorageError ? error.cause : error
  if (cause instanceof FailedSyncError) return true
  return (
    cause instanceof Error &&
    'code' in cause &&
    typeof cause.code === 'string' &&
    // Node's own, for what it was asked to do.
    !cause.code.startsWith('ERR_') &&
    !PASSING_CODES.has(cause.code)
  )
}

/** Whether there was no room for a write, of which nothing is lost that was there before. Never true of a failed sync. */
export function isOutOfRoom(error: unknown): boolean {
  const cause = error instanceof LogStorageError ? error.cause : error
  return hasCode(cause, 'ENOSPC') || hasCode(cause, 'EDQUOT')
}

/** Whether the file system gave this as the reason. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
