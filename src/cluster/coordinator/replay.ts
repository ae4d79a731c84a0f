/** Brings a machine to where the log is: Kafka's `CoordinatorLoaderImpl`. */
import type { Logger } from '../../base/logger.ts'
import { BatchReader, NO_PRODUCER_ID, type RecordBatch } from '../../wire/batch.ts'
import { readEndTxnMarker } from '../../wire/control-records.ts'
import { CorruptRecordError } from '../../wire/corrupt-record-error.ts'
import { RecordCursor } from '../../wire/record-reader.ts'
import type { CoordinatorSerde } from './contract.ts'
import type { CoordinatorLog } from './coordinator-log.ts'

export interface ReplayTarget<CoordinatorRecord> {
  readonly serde: CoordinatorSerde<CoordinatorRecord>
  /** Must not throw. */
  readonly apply: (record: CoordinatorRecord, offset: number, producerId: number) => void
  /** Must not throw. */
  readonly endTransaction: (producerId: number, result: 'commit' | 'abort') => void
  /** False once the result is not wanted any more. */
  readonly wanted: () => boolean
  readonly logger: Logger
}

export interface ReplayResult {
  readonly records: number
  /** Of kinds that this release doesn't know, or that could not be read. */
  readonly skipped: number
}

/** `offsets.load.buffer.size` of Kafka is 5 MiB; less holds up everything else for a shorter time. */
const READ_BYTES = 1024 * 1024
/** A compressed batch of an internal topic may grow to this when unpacked. */
const MAX_DECOMPRESSED_BYTES = 256 * 1024 * 1024

/** Rejects where the log cannot be read or is damaged. */
export async function replay<CoordinatorRecord>(
  log: CoordinatorLog,
  target: ReplayTarget<CoordinatorRecord>,
): Promise<ReplayResult> {
  const run = new Replay(target)
  let offset = log.logStartOffset
  while (target.wanted() && offset < log.logEndOffset) {
    const chunk = log.read(offset, READ_BYTES)
    const buffers = chunk instanceof Promise ? await chunk : chunk
    if (!target.wanted()) break
    const next = run.readBatches(buffers, offset)
    if (next <= offset) throw new CorruptRecordError(`no batch at offset ${offset} of ${log.logEndOffset}`)
    offset = next
  }
  return { records: run.records, skipped: run.skipped }
}

class Replay<CoordinatorRecord> {
  readonly #target: ReplayTarget<CoordinatorRecord>
  records = 0
  skipped = 0

  constructor(target: ReplayTarget<CoordinatorRecord>) {
    this.#target = target
  }

  /** Returns the offset after the last batch. */
  readBatches(buffers: readonly Buffer[], fromOffset: number): number {
    let next = fromOffset
    for (const buffer of buffers) {
      for (const batch of new BatchReader(buffer)) {
        if (batch.nextOffset <= fromOffset) continue
        next = batch.nextOffset
        if (!batch.crcIsRight()) {
          this.#target.logger.error('a batch of a coordinator is damaged and left out', {
            offset: batch.baseOffset,
            records: batch.recordsCount,
          })
          this.skipped += 1
          continue
        }
        if (batch.isControl) this.#endTransaction(batch)
        else this.#readRecords(batch, fromOffset)
      }
    }
    return next
  }

  #readRecords(batch: RecordBatch, fromOffset: number): void {
    const cursor = new RecordCursor(batch, MAX_DECOMPRESSED_BYTES)
    while (cursor.advance()) {
      if (cursor.offset < fromOffset) continue
      this.records += 1
      const record = this.#deserialize(cursor)
      if (record === undefined) this.skipped += 1
      else
        this.#target.apply(record, cursor.offset, batch.isTransactional ? batch.producerId : NO_PRODUCER_ID)
    }
  }

  #deserialize(cursor: RecordCursor): CoordinatorRecord | undefined {
    const { key, value, offset } = cursor
    if (key === null) return undefined
    try {
      return this.#target.serde.deserialize({ key, value })
    } catch (error) {
      // One record that nobody can read must not cost all groups of this partition.
      this.#target.logger.error('coordinator record could not be read', { err: error, offset })
      return undefined
    }
  }

  #endTransaction(batch: RecordBatch): void {
    const marker = readEndTxnMarker(batch)
    if (marker !== undefined) {
      this.#target.endTransaction(batch.producerId, marker.type === 'COMMIT' ? 'commit' : 'abort')
    }
  }
}
