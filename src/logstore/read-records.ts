import { RecordBatch } from '../wire/batch.ts'
import { type LogRecord, readRecords } from '../wire/record-reader.ts'
import { MAX_DECOMPRESSED_BYTES } from './segment.ts'

/**
 * The records of what a log's `read` returned, decoded: for coordinators that replay their partition. The first
 * batch may begin below the offset that was asked for. Control records are among them. Throws CorruptRecordError.
 */
export function* recordsOf(
  read: { readonly buffers: readonly Buffer[] },
  maxDecompressedBytes: number = MAX_DECOMPRESSED_BYTES,
): Generator<LogRecord, void, void> {
  for (const buffer of read.buffers) {
    for (let at = 0; at < buffer.length; ) {
      const batch = new RecordBatch(buffer, at)
      yield* readRecords(batch, maxDecompressedBytes)
      at = batch.end
    }
  }
}
