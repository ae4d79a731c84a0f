import { createHash } from 'node:crypto'
import { BatchReader, type RecordBatch } from '../wire/batch.ts'
import { compressionTypeOf } from '../wire/compression.ts'
import { readRecords } from '../wire/record-reader.ts'

/** Keys and values above this are told by length and digest. */
const LONGEST_IN_FULL = 256
const MAX_DECOMPRESSED_BYTES = 64 * 1024 * 1024

type DescribedBytes = string | null | { length: number; sha256: string }

/**
 * What a file of record batches holds, in the words of the fixtures that Kafka's own classes made (see
 * compat-tests/java/fixtures). Throws where it holds anything else, or a batch with a wrong CRC.
 */
export function describeBatches(bytes: Buffer): { batches: ReturnType<typeof describeBatch>[] } {
  const reader = new BatchReader(bytes)
  const batches = [...reader].map(describeBatch)
  if (reader.fault !== undefined) throw new Error(`${reader.fault} at ${reader.position}`)
  return { batches }
}

function describeBatch(batch: RecordBatch) {
  if (!batch.crcIsRight()) throw new Error(`the batch at ${batch.position} has a wrong CRC`)
  return {
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    sizeInBytes: batch.sizeInBytes,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    magic: batch.magic,
    crc: batch.crc,
    compression: compressionTypeOf(batch.compressionCodec),
    timestampType: batch.timestampType,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    hasDeleteHorizon: batch.hasDeleteHorizon,
    baseTimestamp: batch.baseTimestamp,
    maxTimestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    lastSequence: batch.lastSequence,
    recordsCount: batch.recordsCount,
    records: [...readRecords(batch, MAX_DECOMPRESSED_BYTES)].map((record) => ({
      offset: record.offset,
      timestamp: record.timestamp,
      sequence: record.sequence,
      key: describeBytes(record.key),
      value: describeBytes(record.value),
      headers: record.headers.map((header) => ({ key: header.key, value: describeBytes(header.value) })),
    })),
  }
}

function describeBytes(bytes: Uint8Array | null): DescribedBytes {
  if (bytes === null) return null
  if (bytes.length <= LONGEST_IN_FULL) return Buffer.from(bytes).toString('base64')
  return { length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}
