import type { LogAppendInfo } from './partition-log-types.ts'
import { firstOffsetOf, type ProducerBatch } from './producer-entry.ts'

/** What an append of no bytes at all gives. */
export function nothingAppended(logStartOffset: number): LogAppendInfo {
  return {
    firstOffset: -1,
    lastOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset,
    duplicate: false,
    sizeInBytes: 0,
    flushed: undefined,
  }
}

/** What a batch gives that the producer had sent before. */
export function duplicateAppend(duplicate: ProducerBatch, logStartOffset: number): LogAppendInfo {
  return {
    firstOffset: firstOffsetOf(duplicate),
    lastOffset: duplicate.lastOffset,
    logAppendTimeMs: duplicate.timestamp,
    logStartOffset,
    duplicate: true,
    sizeInBytes: 0,
    flushed: undefined,
  }
}
