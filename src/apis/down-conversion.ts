/**
 * What a Fetch below v4 gets of records that are stored in today's format: messages of format 0 (v0–1) or 1 (v2–3),
 * made while the answer is. Kafka's `LazyDownConversionRecords` up to 3.9.
 *
 * Batches are converted one by one until the limit of the partition is full, so the work for one answer is bounded by
 * the size of the fetch, and done in slices: others get their turn in between.
 */
import { inMemory } from '../base/file-slice.ts'
import type { Steps } from '../base/steps.ts'
import {
  type FetchLimits,
  failedFetch,
  type PartitionFetch,
  type PartitionFetched,
} from '../cluster/replicas/fetch-round.ts'
import { BatchReader, type RecordBatch } from '../wire/batch.ts'
import { CorruptRecordError } from '../wire/corrupt-record-error.ts'
import { type DownConverted, downConvert } from '../wire/down-convert.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import type { LegacyMagic } from '../wire/message-set.ts'
import { type FetchWait, readWithin } from './fetch-reads.ts'
import type { RequestContext } from './handler.ts'
import type { Services } from './services.ts'

const FIRST_VERSION_WITH_MAGIC_1 = 2
const FIRST_VERSION_WITH_MAGIC_2 = 4
/** From here on the first batch is returned whole, whatever the limits (KIP-74). */
const FIRST_VERSION_WITHOUT_HARD_LIMITS = 3
/** What one batch may decompress to; more than any producer puts together, and every record costs time. */
const MAX_CONVERTED_BYTES = 32 * 1024 * 1024
/** What the first batch may become when the limits are smaller. */
const MAX_FIRST_BYTES = 8 * 1024 * 1024

/** The message format that a Fetch of this version takes; undefined for today's. */
export function messageFormatOf(version: number): LegacyMagic | undefined {
  if (version >= FIRST_VERSION_WITH_MAGIC_2) return undefined
  return version >= FIRST_VERSION_WITH_MAGIC_1 ? 1 : 0
}

/**
 * Reads within the limits and converts. Where nothing is left of what was read (control records have no message), it
 * reads on, so that a client is neither stuck there nor answered at once again and again.
 */
export async function readConverted(
  context: RequestContext,
  fetches: readonly PartitionFetch[],
  magic: LegacyMagic,
  limits: FetchLimits,
  wait: FetchWait,
  services: Services,
): Promise<readonly PartitionFetched[]> {
  const hardLimits = context.apiVersion < FIRST_VERSION_WITHOUT_HARD_LIMITS
  const positions = fetches.map(withoutZstd)
  for (;;) {
    // A batch that is larger than the limit may hold messages that are not.
    const everyPartition = hardLimits
    const read = await readWithin(context, positions, { ...limits, everyPartition }, wait, services)
    context.time?.resume()
    const turn = services.slices.turn()
    const results: PartitionFetched[] = []
    let left = limits.maxBytes
    let passedAny = false
    for (const [index, fetched] of read.entries()) {
      const { target } = positions[index]!
      const conversion = new Conversion({
        magic,
        fetchOffset: target.fetchOffset,
        maxBytes: Math.min(left, target.partitionMaxBytes),
        hardLimits,
      })
      for (const batch of batchesOf(fetched)) {
        if (!(await conversion.add(batch, (work) => services.slices.run(work, turn, context.time)))) break
      }
      const result = conversion.result(fetched)
      results.push(result)
      left = Math.max(0, left - result.size)
      if (conversion.passedAll) {
        passedAny = true
        positions[index] = {
          ...positions[index]!,
          target: { ...target, fetchOffset: conversion.nextOffset },
        }
      }
    }
    const isAnswer = results.some(({ size, errorCode }) => size > 0 || errorCode !== ErrorCode.NONE)
    if (isAnswer || !passedAny) return results
  }
}

function* batchesOf({ records }: PartitionFetched): Generator<RecordBatch, void, void> {
  for (const buffer of inMemory(records ?? [])) yield* new BatchReader(buffer)
}

/** Kafka 3.9 refuses a topic that is configured for zstd, which clients before Fetch v10 do not know, as a whole. */
function withoutZstd(fetch: PartitionFetch): PartitionFetch {
  return fetch.partition?.log.config.compressionType === 'zstd'
    ? { errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, target: fetch.target }
    : fetch
}

interface ConversionLimits {
  readonly magic: LegacyMagic
  readonly fetchOffset: number
  readonly maxBytes: number
  /** What does not fit is cut off, by which old consumers know of it. */
  readonly hardLimits: boolean
}

/** The messages made of what was read from one partition. */
class Conversion {
  readonly #limits: ConversionLimits
  readonly #messages: Buffer[] = []
  #size = 0
  #isFull = false
  #errorCode: number = ErrorCode.NONE
  nextOffset: number

  constructor(limits: ConversionLimits) {
    this.#limits = limits
    this.nextOffset = limits.fetchOffset
  }

  /** False when no more is taken. */
  async add(
    batch: RecordBatch,
    run: (work: () => Steps<DownConverted>) => DownConverted | Promise<DownConverted>,
  ): Promise<boolean> {
    const { magic, fetchOffset, maxBytes, hardLimits } = this.#limits
    // The first batch is sent whole, whatever the limits, unless it was too large as it is stored or makes far more.
    const isFirst = this.#size === 0
    const isTooLarge = hardLimits && batch.sizeInBytes > maxBytes
    let converted: DownConverted
    try {
      const limits = {
        fromOffset: fetchOffset,
        maxBytes: isFirst && !isTooLarge ? Math.max(maxBytes, MAX_FIRST_BYTES) : maxBytes - this.#size,
        maxDecompressedBytes: MAX_CONVERTED_BYTES,
      }
      const running = run(() => downConvert(batch, magic, limits))
      converted = running instanceof Promise ? await running : running
    } catch (error) {
      this.#isFull = true
      // What was converted before it is sent; the next fetch begins here and is told.
      if (isFirst) this.#errorCode = errorCodeOf(error)
      return false
    }
    const { messages, isWhole } = converted
    this.#isFull = !isWhole
    if (!isFirst && this.#size + messages.length > maxBytes) this.#isFull = true
    else if (messages.length > 0) {
      const sent = isTooLarge ? messages.subarray(0, Math.max(0, maxBytes)) : messages
      this.#messages.push(sent)
      this.#size += sent.length
      this.#isFull ||= this.#size >= maxBytes
    }
    if (!this.#isFull) this.nextOffset = batch.nextOffset
    return !this.#isFull
  }

  /** Something was read and nothing came of it: `nextOffset` is where to read on. */
  get passedAll(): boolean {
    return this.#size === 0 && !this.#isFull && this.nextOffset > this.#limits.fetchOffset
  }

  result(fetched: PartitionFetched): PartitionFetched {
    if (this.#errorCode !== ErrorCode.NONE) return failedFetch(this.#errorCode)
    return { ...fetched, records: this.#messages, size: this.#size }
  }
}

function errorCodeOf(error: unknown): number {
  if (error instanceof KafkaError) return error.code
  if (error instanceof CorruptRecordError) return ErrorCode.CORRUPT_MESSAGE
  throw error
}
