import { type BufferPool, SHARED_FROM_BYTES } from '../base/buffer-pool.ts'
import type { Bytes } from '../base/file-slice.ts'
import {
  batchBaseOffset,
  batchFaultAt,
  batchLastOffset,
  batchNextOffset,
  batchSizeInBytes,
  RECORD_BATCH_OVERHEAD,
} from '../wire/batch.ts'
import type { File } from './file-system.ts'
import { CorruptLogError } from './log-errors.ts'
import type { LogReadResult } from './partition-log-types.ts'

/** Covers the batches between two index entries, as a rule, in one read. */
const LOCATE_BYTES = 8192

export interface ReadLimits {
  readonly maxBytes: number
  readonly upperBoundOffset: number
  readonly minOneMessage: boolean
  /** It is only to be sent, and may stay in the file. */
  readonly mayBeSlices: boolean
}

/** The offsets that batches of a segment can have: from its own to below that of the next one, or the end of the log. */
export interface OffsetBounds {
  readonly baseOffset: number
  readonly endOffset: number
}

/** What was read, and where in the segment the batch after it begins. */
export interface SegmentRead extends LogReadResult<Bytes> {
  readonly endPosition: number
}

/**
 * The position of the first batch whose last offset is `offset` or above, looking from `from` (where a batch begins)
 * up to `limit`; undefined where there is none.
 */
export async function locateBatch(
  file: File,
  from: number,
  limit: number,
  offset: number,
  bounds: OffsetBounds,
): Promise<number | undefined> {
  const chunk = Buffer.allocUnsafe(Math.min(LOCATE_BYTES, Math.max(0, limit - from)))
  for (let position = from; position < limit; ) {
    const filled = await file.readAsync(chunk, 0, Math.min(chunk.length, limit - position), position)
    if (filled < RECORD_BATCH_OVERHEAD) throw tornAt(file, position)
    let at = 0
    for (; at + RECORD_BATCH_OVERHEAD <= filled; at += batchSizeInBytes(chunk, at)) {
      // The header says all that is asked here; the batch need not lie in the chunk whole.
      if (batchFaultAt(chunk, at, Number.POSITIVE_INFINITY) !== undefined || isOutside(chunk, at, bounds))
        throw tornAt(file, position + at)
      // Only an index that is wrong leads behind the batch that is looked for.
      if (position + at === from && from > 0 && batchBaseOffset(chunk, at) > offset) throw tornAt(file, from)
      if (batchLastOffset(chunk, at) >= offset) return position + at
    }
    position += at
  }
  return undefined
}

/**
 * Whole batches from `position`, where one begins: as many as the limits allow. One positioned read into memory of
 * the pool; a second one where the first batch is larger than `maxBytes` and has to be returned all the same.
 */
export async function readBatches(
  file: File,
  position: number,
  limit: number,
  startOffset: number,
  { maxBytes, upperBoundOffset, minOneMessage }: ReadLimits,
  bounds: OffsetBounds,
  buffers: BufferPool,
): Promise<SegmentRead> {
  let buffer = buffers.lend(Math.min(limit - position, Math.max(maxBytes, RECORD_BATCH_OVERHEAD)))
  let filled = await file.readAsync(buffer, 0, buffer.length, position)
  let allowed = maxBytes
  if (filled >= RECORD_BATCH_OVERHEAD && batchFaultAt(buffer, 0, Number.POSITIVE_INFINITY) === undefined) {
    const firstSize = batchSizeInBytes(buffer, 0)
    if (firstSize > maxBytes) {
      if (!minOneMessage) {
        buffers.giveBack(buffer)
        return { buffers: [], size: 0, nextOffset: startOffset, endPosition: position }
      }
      if (firstSize > limit - position) throw tornAt(file, position)
      allowed = firstSize
      if (firstSize > filled) {
        const whole = buffers.lend(firstSize)
        buffer.copy(whole, 0, 0, filled)
        buffers.giveBack(buffer)
        filled += await file.readAsync(whole, filled, firstSize - filled, position + filled)
        buffer = whole
      }
    }
  }
  let size = 0
  let nextOffset = startOffset
  while (size < filled) {
    const fault = batchFaultAt(buffer, size, filled)
    if (fault !== undefined) {
      // The read was cut by `maxBytes`, not by the end of the segment.
      if (fault === 'too-short' && position + filled < limit) break
      // What is whole before it is served; who reads on is told.
      if (size > 0) break
      throw tornAt(file, position)
    }
    if (isOutside(buffer, size, bounds)) {
      if (size > 0) break
      throw tornAt(file, position)
    }
    const end = size + batchSizeInBytes(buffer, size)
    const next = batchNextOffset(buffer, size)
    if (end > allowed || next > upperBoundOffset) break
    size = end
    nextOffset = next
  }
  if (size === 0) {
    buffers.giveBack(buffer)
    return { buffers: [], size, nextOffset, endPosition: position }
  }
  let found = buffer.subarray(0, size)
  if (size < SHARED_FROM_BYTES) {
    found = Buffer.from(found)
    buffers.giveBack(buffer)
  }
  return { buffers: [found], size, nextOffset, endPosition: position + size }
}

/** The CRC does not cover the base offset, and nobody has looked at it here. */
function isOutside(buffer: Buffer, at: number, { baseOffset, endOffset }: OffsetBounds): boolean {
  const first = batchBaseOffset(buffer, at)
  const next = batchNextOffset(buffer, at)
  return first < baseOffset || next > endOffset || next <= first
}

function tornAt(file: File, position: number): CorruptLogError {
  return new CorruptLogError(`${file.path}: no whole batch at ${position}`)
}
