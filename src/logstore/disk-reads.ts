import type { BufferPool } from '../base/buffer-pool.ts'
import { batchBaseOffset, batchLastOffset, RECORD_BATCH_OVERHEAD } from '../wire/batch.ts'
import type { File } from './file-system.ts'
import { CorruptLogError } from './log-errors.ts'
import {
  locateBatch,
  type OffsetBounds,
  type ReadLimits,
  readBatches,
  type SegmentRead,
} from './log-reader.ts'
import type { LogSegments } from './log-segments.ts'
import type { Ahead, ReadAheads } from './read-ahead.ts'
import type { LogSegment } from './segment.ts'
import type { TailRead } from './tail-cache.ts'

/** How many recent ends are known at a time: about as many consumers read on without a look-up. */
const MAX_READ_ENDS = 16

interface Place {
  readonly segment: LogSegment
  readonly position: number
}

interface ChunkAhead {
  readonly segment: LogSegment
  readonly chunk: Ahead
}

/** A read, and whether it went on where another one had ended, so that one more is likely to. */
export interface DiskRead extends SegmentRead {
  readonly goesOn: boolean
}

/**
 * Reads of one log that go to the disk. A segment that is deleted meanwhile is read to the end of the read; bytes that
 * are cut off meanwhile may come out as anything, which the log tells by counting its truncations.
 */
export class DiskReads {
  readonly #segments: LogSegments
  readonly #buffers: BufferPool
  /** By the offset that comes next: where a read ended, and the next of the same consumer begins. */
  readonly #readEnds = new Map<number, Place>()
  readonly #readAheads: ReadAheads | undefined
  /** By the offset that they begin at. */
  readonly #ahead = new Map<number, ChunkAhead>()

  #version = 0

  /** Without `readAheads` nothing is read before it is asked for. */
  constructor(segments: LogSegments, buffers: BufferPool, readAheads?: ReadAheads) {
    this.#segments = segments
    this.#buffers = buffers
    this.#readAheads = readAheads
  }

  /** Whole batches from the one that holds `startOffset`, of one segment; undefined where there is none. */
  async read(startOffset: number, limits: ReadLimits, logEndOffset: number): Promise<DiskRead | undefined> {
    const ahead = this.#ahead.get(startOffset)
    if (ahead !== undefined) {
      const read = await this.#takeAhead(startOffset, ahead, limits)
      if (read !== undefined) return { ...read, goesOn: true }
    }
    let segment = this.#segments.floor(startOffset)
    while (segment !== undefined) {
      const version = this.#version
      const goesOn = this.#readEnds.get(startOffset)?.segment === segment
      const next = this.#segments.after(segment)
      const endOffset = next?.baseOffset ?? logEndOffset
      const read = await this.#readSegment(segment, startOffset, limits, endOffset)
      const isCurrent = version === this.#version
      if (read !== undefined) {
        if (read.size > 0 && isCurrent) this.#remember(read, segment)
        return { ...read, goesOn }
      }
      // Where segments were swapped meanwhile, the next one's records may be in one that covers this place.
      segment = isCurrent ? next : this.#segments.floor(startOffset)
    }
    return undefined
  }

  /** Whether a read ended there, which the next one can go on from. */
  isReadEnd(offset: number): boolean {
    return this.#readEnds.has(offset)
  }

  /**
   * At once, what stays in its file where another read ended: a read of whoever comes from there. Undefined where less
   * than half of `maxBytes` can be sent so.
   */
  readOn(startOffset: number, limits: ReadLimits): SegmentRead | undefined {
    const place = this.#readEnds.get(startOffset)
    if (place === undefined || place.segment.size - place.position < limits.maxBytes / 2) return undefined
    const read = this.#sliced(place, startOffset, limits)
    if (read === undefined || read.size < limits.maxBytes / 2) {
      this.giveBack(read)
      return undefined
    }
    this.#remember(read, place.segment)
    return read
  }

  /** The same, the first batch whatever its size; waits for the disk. */
  readNow(startOffset: number, maxBytes: number): TailRead {
    for (const segment of this.#segments.from(startOffset)) {
      const found = segment.find(startOffset)
      if (found === undefined) continue
      const buffers: Buffer[] = []
      let size = 0
      let nextOffset = startOffset
      const scanner = segment.scan(found.position)
      for (let batch = scanner.next(); batch !== undefined; batch = scanner.next()) {
        if (size > 0 && size + batch.sizeInBytes > maxBytes) break
        // What the scanner gives is valid until its next step.
        buffers.push(Buffer.from(batch.bytes))
        size += batch.sizeInBytes
        nextOffset = batch.nextOffset
      }
      segment.failOnFault(scanner)
      return { buffers, size, nextOffset }
    }
    return { buffers: [], size: 0, nextOffset: startOffset }
  }

  /**
   * Begins to read what comes after a read that ended at `offset`, if there is as much of it as `maxBytes` and nobody
   * does so yet.
   */
  readAhead(
    offset: number,
    { maxBytes, upperBoundOffset, mayBeSlices }: ReadLimits,
    logEndOffset: number,
  ): void {
    const place = this.#readEnds.get(offset)
    if (this.#readAheads === undefined || place === undefined || this.#ahead.has(offset)) return
    const { segment, position } = place
    if (segment.size - position < maxBytes) return
    const limits = { maxBytes, upperBoundOffset, minOneMessage: false, mayBeSlices: false }
    // A slice is made when it is asked for: a file is not held open for what may never be.
    if (mayBeSlices && this.#isSendable(place, offset, limits)) return
    const endOffset = this.#segments.after(segment)?.baseOffset ?? logEndOffset
    const chunk = this.#readAheads.add(maxBytes, () => this.#readAt(place, offset, limits, endOffset))
    if (chunk === undefined) return
    this.#ahead.set(offset, { segment, chunk })
    if (this.#ahead.size <= MAX_READ_ENDS) return
    const [oldest] = this.#ahead.keys()
    if (oldest !== undefined) this.#dropAhead(oldest)
  }

  #isSendable(place: Place, offset: number, limits: ReadLimits): boolean {
    const read = this.#sliced(place, offset, limits)
    this.giveBack(read)
    return read !== undefined
  }

  #sliced(place: Place, offset: number, limits: ReadLimits): SegmentRead | undefined {
    const { segment } = place
    try {
      const file = segment.acquire()
      try {
        return slicedRead(file, place, offset, limits)
      } finally {
        segment.release()
      }
    } catch {
      // Whoever reads it another way is told what is wrong.
      return undefined
    }
  }

  /** Nobody looks at what was read. */
  giveBack(read: SegmentRead | undefined): void {
    if (read !== undefined) this.#buffers.giveBackAll(read.buffers)
  }

  /** Positions have changed, or segments. */
  forget(): void {
    this.#version++
    this.#readEnds.clear()
    for (const offset of this.#ahead.keys()) this.#dropAhead(offset)
  }

  #dropAhead(offset: number): void {
    this.#ahead.get(offset)?.chunk.drop()
    this.#ahead.delete(offset)
  }

  /** What was read ahead, where it is that and within the limits. */
  async #takeAhead(
    startOffset: number,
    { segment, chunk }: ChunkAhead,
    limits: ReadLimits,
  ): Promise<SegmentRead | undefined> {
    this.#ahead.delete(startOffset)
    const version = this.#version
    const read = await chunk.take()
    if (read === undefined || read.size === 0) return undefined
    if (
      version === this.#version &&
      read.size <= limits.maxBytes &&
      read.nextOffset <= limits.upperBoundOffset
    ) {
      this.#remember(read, segment)
      return read
    }
    this.#buffers.giveBackAll(read.buffers)
    return undefined
  }

  async #readAt(
    place: Place,
    startOffset: number,
    limits: ReadLimits,
    endOffset: number,
  ): Promise<SegmentRead> {
    const { segment } = place
    const file = segment.acquire()
    try {
      return await this.#readFrom(file, place, segment.size, startOffset, limits, endOffset)
    } finally {
      segment.release()
    }
  }

  /** Undefined where the segment ends before `startOffset`. */
  async #readSegment(
    segment: LogSegment,
    startOffset: number,
    limits: ReadLimits,
    endOffset: number,
  ): Promise<SegmentRead | undefined> {
    const limit = segment.size
    const bounds = { baseOffset: segment.baseOffset, endOffset }
    const file = segment.acquire()
    try {
      const known = this.#readEnds.get(startOffset)
      const position =
        known?.segment === segment ? known.position : await locate(file, segment, limit, startOffset, bounds)
      if (position === undefined || position >= limit) return undefined
      return await this.#readFrom(file, { segment, position }, limit, startOffset, limits, endOffset)
    } finally {
      segment.release()
    }
  }

  /** What the kernel has in memory and was looked at before may stay in the file; the rest is looked at now. */
  async #readFrom(
    file: File,
    place: Place,
    limit: number,
    startOffset: number,
    limits: ReadLimits,
    endOffset: number,
  ): Promise<SegmentRead> {
    const slice = limits.mayBeSlices ? slicedRead(file, place, startOffset, limits) : undefined
    if (slice !== undefined) return slice
    const { segment, position } = place
    const version = this.#version
    const bounds = { baseOffset: segment.baseOffset, endOffset }
    const read = await readBatches(file, position, limit, startOffset, limits, bounds, this.#buffers)
    if (version === this.#version) segment.checked.add(position, read.endPosition)
    return read
  }

  #remember(read: SegmentRead, segment: LogSegment): void {
    this.#readEnds.delete(read.nextOffset)
    this.#readEnds.set(read.nextOffset, { segment, position: read.endPosition })
    if (this.#readEnds.size <= MAX_READ_ENDS) return
    const [oldest] = this.#readEnds.keys()
    if (oldest !== undefined) this.#readEnds.delete(oldest)
  }
}

/**
 * The batches of a place on up to one that the index tells of, whose header says where they end: it is in memory, as
 * they are. Undefined where there are none to be sent so.
 */
function slicedRead(
  file: File,
  { segment, position }: Place,
  startOffset: number,
  { maxBytes, upperBoundOffset }: ReadLimits,
): SegmentRead | undefined {
  const end = segment.lastIndexed(position + maxBytes)
  if (end === undefined || end.position <= position) return undefined
  if (!segment.checked.covers(position, end.position + RECORD_BATCH_OVERHEAD)) return undefined
  const header = Buffer.allocUnsafe(RECORD_BATCH_OVERHEAD)
  const slice = file.slice(position, end.position - position, header)
  if (slice === undefined) return undefined
  const nextOffset = batchBaseOffset(header, 0)
  if (
    batchLastOffset(header, 0) !== end.offset ||
    nextOffset <= startOffset ||
    nextOffset > upperBoundOffset
  ) {
    slice.release()
    return undefined
  }
  return { buffers: [slice], size: slice.length, nextOffset, endPosition: end.position }
}

/** By the index, and where that misleads, by one that is built anew. */
async function locate(
  file: File,
  segment: LogSegment,
  limit: number,
  offset: number,
  bounds: OffsetBounds,
): Promise<number | undefined> {
  try {
    return await locateBatch(file, segment.positionBefore(offset), limit, offset, bounds)
  } catch (error) {
    if (!(error instanceof CorruptLogError) || !segment.rebuildMisleading()) throw error
    return locateBatch(file, segment.positionBefore(offset), limit, offset, bounds)
  }
}
