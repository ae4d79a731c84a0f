import { ErrorCode } from '../wire/error-codes.ts'
import type { NetBound } from './bounds.ts'

const refusedBounds: ReadonlyMap<number, NetBound> = new Map([
  [ErrorCode.GROUP_MAX_SIZE_REACHED, 'group.size'],
  [ErrorCode.INVALID_REGULAR_EXPRESSION, 'pattern'],
  [ErrorCode.MESSAGE_TOO_LARGE, 'message.size'],
  [ErrorCode.RECORD_LIST_TOO_LARGE, 'message.size'],
  [ErrorCode.CORRUPT_MESSAGE, 'records.corrupt'],
  [ErrorCode.OFFSET_METADATA_TOO_LARGE, 'offset.metadata'],
  [ErrorCode.POLICY_VIOLATION, 'metadata.change'],
  [ErrorCode.TELEMETRY_TOO_LARGE, 'telemetry.bytes'],
])

/** The bound that an error code of an answer stands for; undefined for none. */
export function refusedBound(errorCode: number): NetBound | undefined {
  return errorCode === ErrorCode.NONE ? undefined : refusedBounds.get(errorCode)
}
