import { NO_TIMESTAMP, type RecordBatch } from '../../wire/batch.ts'
import { compressionTypeOf } from '../../wire/compression.ts'
import { RecordCursor } from '../../wire/record-reader.ts'
import { sizeOfVarlong, writeVarint, writeVarlong } from '../../wire/record-varint.ts'
import { assembleBatch, type BatchHeaderInput } from '../../wire/records.ts'
import { MAX_DECOMPRESSED_BYTES } from '../segment.ts'
import type { CleanedTransactions } from './cleaned-transactions.ts'
import type { OffsetMap } from './offset-map.ts'

/** The last batch that a producer, who is not forgotten yet, has in a log. */
export interface LastRecord {
  readonly producerId: number
  /** Of its data; -1 where it has markers alone. */
  readonly lastDataOffset: number
  readonly producerEpoch: number
}

export interface RetentionRules {
  readonly nowMs: number
  readonly deleteRetentionMs: number
  readonly map: OffsetMap
  readonly transactions: CleanedTransactions
  readonly lastRecords: ReadonlyMap<number, LastRecord>
  /** Where this cleaning ends at the latest: the batch before it stays, so that the log's end does. */
  readonly upperBoundOffset: number
}

/**
 * What a compaction leaves of one batch (Kafka's `Cleaner.cleanInto` and `MemoryRecords.filterTo`). A record stays that
 * is the last of its key or lies beyond the map; one without key goes. A tombstone stays until its batch's delete
 * horizon, which the first compaction that meets it sets. Offsets, sequences and codec stay as they are, and a batch
 * that lost all of its records stays where it carries a producer's last sequence or the end of the round.
 */
export class BatchFilter {
  readonly #rules: RetentionRules
  /** Of the batch at hand, the records that stay: where they begin and end, and their timestamps. */
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #timestamps: number[] = []
  recordsRead = 0
  recordsKept = 0

  constructor(rules: RetentionRules) {
    this.#rules = rules
  }

  /** The bytes that take the place of the batch, valid as long as its own; undefined where nothing does. Throws CorruptRecordError. */
  retain(batch: RecordBatch): Buffer | undefined {
    const { transactions, nowMs } = this.#rules
    const { isControl } = batch
    const mayGo = isControl ? transactions.passControlBatch(batch) : transactions.passBatch(batch)
    // A marker outlives its transaction, so that whoever reads its beginning also finds its end.
    const recordsGo = isControl ? mayGo && batch.hasDeleteHorizon && batch.baseTimestamp <= nowMs : mayGo
    const mustStay = this.#isLastOfProducer(batch) || batch.nextOffset === this.#rules.upperBoundOffset
    if (recordsGo) {
      this.recordsRead += batch.recordsCount
      return mustStay ? emptied(batch) : undefined
    }
    return this.#filter(batch, isControl && mayGo, mustStay)
  }

  #filter(batch: RecordBatch, isMarkerOfNothing: boolean, mustStay: boolean): Buffer | undefined {
    const { deleteRetentionMs, nowMs } = this.#rules
    const cursor = new RecordCursor(batch, MAX_DECOMPRESSED_BYTES)
    let kept = 0
    let hasTombstone = false
    while (cursor.advance()) {
      if (!this.#stays(batch, cursor)) continue
      this.#starts[kept] = cursor.start
      this.#ends[kept] = cursor.end
      this.#timestamps[kept] = cursor.timestamp
      hasTombstone ||= !cursor.hasValue
      kept++
    }
    this.recordsRead += batch.recordsCount
    this.recordsKept += kept
    if (kept === 0) return mustStay ? emptied(batch) : undefined
    const setsHorizon = (hasTombstone || isMarkerOfNothing) && !batch.hasDeleteHorizon
    if (kept === batch.recordsCount && !setsHorizon) return batch.bytes
    const horizonMs = setsHorizon ? nowMs + deleteRetentionMs : batch.baseTimestamp
    return this.#rewritten(batch, cursor, kept, setsHorizon || batch.hasDeleteHorizon ? horizonMs : undefined)
  }

  #stays(batch: RecordBatch, cursor: RecordCursor): boolean {
    if (batch.isControl) return true
    const { map, nowMs } = this.#rules
    const { offset } = cursor
    if (offset > map.latestOffset) return true
    if (!cursor.hasKey) return false
    if (offset < map.get(cursor.payload, cursor.keyStart, cursor.keyLength)) return false
    return cursor.hasValue || !batch.hasDeleteHorizon || nowMs < batch.baseTimestamp
  }

  #isLastOfProducer(batch: RecordBatch): boolean {
    if (!batch.hasProducerId) return false
    const last = this.#rules.lastRecords.get(batch.producerId)
    if (last === undefined) return false
    if (last.lastDataOffset >= 0) return batch.lastOffset === last.lastDataOffset
    return batch.isControl && batch.producerEpoch === last.producerEpoch
  }

  /** The base timestamp becomes the horizon, or that of the first record that stays, and the deltas go by it. */
  #rewritten(
    batch: RecordBatch,
    { payload }: RecordCursor,
    kept: number,
    horizonMs: number | undefined,
  ): Buffer {
    const baseTimestamp = horizonMs ?? this.#timestamps[0]!
    // A record is at most four bytes longer by its length and nine by its timestamp than it was.
    const records = Buffer.allocUnsafe(payload.length + kept * 13)
    let at = 0
    let maxTimestamp = NO_TIMESTAMP
    for (let index = 0; index < kept; index++) {
      const timestamp = this.#timestamps[index]!
      if (timestamp > maxTimestamp) maxTimestamp = timestamp
      const rest = afterTimestamp(payload, this.#starts[index]!)
      const restBytes = this.#ends[index]! - rest
      const delta = timestamp - baseTimestamp
      at = writeVarint(records, 1 + sizeOfVarlong(delta) + restBytes, at)
      records[at++] = 0
      at = writeVarlong(records, delta, at)
      at += payload.copy(records, at, rest, rest + restBytes)
    }
    return assembleBatch(
      { ...headerOf(batch), baseTimestamp, hasDeleteHorizon: horizonMs !== undefined },
      records.subarray(0, at),
      {
        recordsCount: kept,
        // With the last sequence of the producer in it, and the end of the batch.
        lastOffsetDelta: batch.lastOffsetDelta,
        maxTimestamp: batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : maxTimestamp,
      },
    )
  }
}

/** Past the length, the attributes and the timestamp of a record. */
function afterTimestamp(payload: Buffer, start: number): number {
  let at = start
  while (payload[at++]! >= 0x80);
  at++
  while (payload[at++]! >= 0x80);
  return at
}

/** `DefaultRecordBatch.writeEmptyHeader`. */
function emptied(batch: RecordBatch): Buffer {
  const header: BatchHeaderInput = {
    ...headerOf(batch),
    compression: 'none',
    baseTimestamp: NO_TIMESTAMP,
  }
  return assembleBatch(header, Buffer.alloc(0), {
    recordsCount: 0,
    lastOffsetDelta: batch.lastOffsetDelta,
    maxTimestamp: batch.maxTimestamp,
  })
}

function headerOf(batch: RecordBatch): BatchHeaderInput {
  return {
    baseOffset: batch.baseOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    compression: compressionTypeOf(batch.compressionCodec) ?? 'none',
    timestampType: batch.timestampType,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
  }
}
