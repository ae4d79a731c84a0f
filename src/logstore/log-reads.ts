import { BufferPool } from '../base/buffer-pool.ts'
import { type Bytes, inMemory } from '../base/file-slice.ts'
import type { Logger } from '../base/logger.ts'
import type { RecordBatch } from '../wire/batch.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { DiskReads } from './disk-reads.ts'
import { CorruptLogError, hasCode } from './log-errors.ts'
import type { LogHealth } from './log-health.ts'
import type { ReadLimits } from './log-reader.ts'
import type { LogSegments } from './log-segments.ts'
import type { LogReadResult } from './partition-log-types.ts'
import type { ReadAheads } from './read-ahead.ts'
import { TailCache, type TailCacheBudget } from './tail-cache.ts'

/** Damaged places of a log that are told of. */
const MAX_REPORTED = 20

export interface LogReadsOptions {
  /** Whose it is, with its bounds as they are now. */
  readonly log: {
    readonly topicPartition: string
    readonly logStartOffset: number
    readonly logEndOffset: number
  }
  readonly segments: LogSegments
  readonly health: LogHealth
  readonly logger: Logger
  /** Without it nothing is kept in memory. */
  readonly tailCacheBudget: TailCacheBudget | undefined
  /** Where reads from the disk get their memory; one of its own when left out. */
  readonly buffers: BufferPool | undefined
  /** Without it nothing is read from the disk before it is asked for. */
  readonly readAheads: ReadAheads | undefined
}

/**
 * Reads of one log: from memory, which has the recent batches, at once, and from the disk where memory has not what is
 * asked for. It is told of all that changes what is to be read.
 */
export class LogReads {
  readonly #options: LogReadsOptions
  readonly #tail: TailCache | undefined
  /** Made when the disk is first asked. */
  #disk: DiskReads | undefined
  /** Counts the times that bytes were cut off, so that a read under way can tell. */
  #truncations = 0
  #reported: Set<string> | undefined

  constructor(options: LogReadsOptions) {
    this.#options = options
    this.#tail = options.tailCacheBudget && new TailCache(options.tailCacheBudget)
  }

  /** As `PartitionLog.read`. */
  read(
    startOffset: number,
    maxBytes: number,
    upperBoundOffset: number,
    minOneMessage: boolean,
  ): LogReadResult | Promise<LogReadResult> {
    const limits = this.#limits(maxBytes, upperBoundOffset, minOneMessage, false)
    return this.#readFromMemory(startOffset, limits) ?? this.#readInto(startOffset, limits)
  }

  /** As `PartitionLog.readToSend`. */
  readToSend(
    startOffset: number,
    maxBytes: number,
    upperBoundOffset: number,
    minOneMessage: boolean,
  ): LogReadResult<Bytes> | Promise<LogReadResult<Bytes>> {
    const limits = this.#limits(maxBytes, upperBoundOffset, minOneMessage, true)
    return (
      this.#readOn(startOffset, limits) ??
      this.#readFromMemory(startOffset, limits) ??
      this.#readFromDisk(startOffset, limits)
    )
  }

  /** As `PartitionLog.readNow`. */
  readNow(startOffset: number, maxBytes: number): LogReadResult {
    this.#checkRange(startOffset)
    const cached = this.#tail?.read(startOffset, maxBytes, this.#options.log.logEndOffset, true)
    if (cached !== undefined) return cached
    try {
      return this.#diskReads().readNow(startOffset, maxBytes)
    } catch (error) {
      return this.#failed(error)
    }
  }

  /** The batch is the last one of the log now. */
  appended(batch: RecordBatch): void {
    this.#tail?.add(batch.baseOffset, batch.nextOffset, batch.bytes)
  }

  /** The log is cut to `offset`. */
  truncated(offset: number): void {
    this.#truncations++
    this.#disk?.forget()
    this.#tail?.truncateTo(offset)
  }

  /** Segments with other bytes have taken the place of all below `offset`. */
  replacedBelow(offset: number): void {
    this.#disk?.forget()
    this.#tail?.dropBelow(offset)
  }

  /** Memory holds nothing of the log any more. */
  clear(): void {
    this.#tail?.clear()
    this.#disk?.forget()
  }

  /** What memory has, but is in the file's pages as well: it is cheaper to send than to copy. */
  #readOn(startOffset: number, limits: ReadLimits): LogReadResult<Bytes> | undefined {
    if (this.#disk?.isReadEnd(startOffset) !== true || this.#tail?.holds(startOffset) !== true)
      return undefined
    this.#checkRange(startOffset)
    return this.#disk.readOn(startOffset, limits)
  }

  /** Undefined where the disk has to be asked. */
  #readFromMemory(
    startOffset: number,
    { maxBytes, upperBoundOffset, minOneMessage }: ReadLimits,
  ): LogReadResult | undefined {
    this.#checkRange(startOffset)
    if (startOffset >= upperBoundOffset) return nothingRead(startOffset)
    return this.#tail?.read(startOffset, maxBytes, upperBoundOffset, minOneMessage)
  }

  #limits(
    maxBytes: number,
    upperBoundOffset: number,
    minOneMessage: boolean,
    mayBeSlices: boolean,
  ): ReadLimits {
    const { logEndOffset } = this.#options.log
    return {
      maxBytes,
      upperBoundOffset: Math.min(upperBoundOffset, logEndOffset),
      minOneMessage,
      mayBeSlices,
    }
  }

  async #readInto(startOffset: number, limits: ReadLimits): Promise<LogReadResult> {
    const read = await this.#readFromDisk(startOffset, limits)
    return { ...read, buffers: inMemory(read.buffers) }
  }

  async #readFromDisk(startOffset: number, limits: ReadLimits): Promise<LogReadResult<Bytes>> {
    const { log, health } = this.#options
    for (;;) {
      const version = this.#truncations
      const read = await this.#diskReads()
        .read(startOffset, limits, log.logEndOffset)
        // After a cut, it may have been what was cut off.
        .catch((error) => (version === this.#truncations ? this.#failed(error) : undefined))
      try {
        health.check()
      } catch (error) {
        this.#diskReads().giveBack(read)
        throw error
      }
      if (version === this.#truncations) {
        if (read === undefined) return nothingRead(startOffset)
        // A batch that is larger than what is asked for is read once its size is known.
        if (read.goesOn && read.size <= limits.maxBytes && this.#tail?.holds(read.nextOffset) !== true)
          this.#disk?.readAhead(read.nextOffset, limits, log.logEndOffset)
        return read
      }
      // Bytes were cut off, and others may have taken their place, while they were read.
      this.#diskReads().giveBack(read)
      this.#checkRange(startOffset)
      if (startOffset >= log.logEndOffset) return nothingRead(startOffset)
    }
  }

  /** The log goes on: what cannot be read now may be read later, and appends do not depend on it. */
  #failed(error: unknown): never {
    const { log, health, logger } = this.#options
    if (error instanceof CorruptLogError) this.#reportDamage(error)
    if (error instanceof KafkaError) throw error
    logger.error('could not read a log', { partition: log.topicPartition, err: error })
    // A segment that was removed while its reader waited is gone, and nothing else.
    throw hasCode(error, 'ENOENT') ? health.error('read', error) : health.report('read', error)
  }

  /** Once for each place, however often it is asked for. */
  #reportDamage(error: CorruptLogError): void {
    this.#reported ??= new Set()
    if (this.#reported.has(error.message) || this.#reported.size >= MAX_REPORTED) return
    this.#reported.add(error.message)
    const { log, logger } = this.#options
    logger.error('a log is damaged; what is whole of it is served', {
      partition: log.topicPartition,
      err: error,
    })
  }

  #diskReads(): DiskReads {
    const { segments, buffers, readAheads } = this.#options
    this.#disk ??= new DiskReads(segments, buffers ?? new BufferPool(), readAheads)
    return this.#disk
  }

  #checkRange(startOffset: number): void {
    const { topicPartition, logStartOffset, logEndOffset } = this.#options.log
    if (startOffset >= logStartOffset && startOffset <= logEndOffset) return
    throw new KafkaError(
      ErrorCode.OFFSET_OUT_OF_RANGE,
      `Received request for offset ${startOffset} for partition ${topicPartition}, but we only have log segments from offset ${logStartOffset} to ${logEndOffset}.`,
    )
  }
}

function nothingRead(startOffset: number): LogReadResult {
  return { buffers: [], size: 0, nextOffset: startOffset }
}
