import type { Steps } from '../base/steps.ts'
import {
  BatchReader,
  batchFaultAt,
  LOG_OVERHEAD,
  NO_TIMESTAMP,
  RECORD_BATCH_OVERHEAD,
  RecordBatch,
} from '../wire/batch.ts'
import { type CompressionType, compressionTypeOf } from '../wire/compression.ts'
import { CorruptRecordError } from '../wire/corrupt-record-error.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { RecordCursor } from '../wire/record-reader.ts'
import { assembleBatchInSteps } from '../wire/records.ts'
import { targetCodec } from './append-codec.ts'
import type { LogConfig } from './log-config.ts'
import { AppendRefused } from './log-errors.ts'
import { RecordChecks, timestampFits } from './record-checks.ts'
import { MAX_DECOMPRESSED_BYTES } from './segment.ts'
import { isMessageSet, upConvert } from './up-conversion.ts'

/**
 * Finds the batches in bytes that were sent to be appended, as Kafka's `analyzeAndValidateRecords`: a cut-off batch at
 * the end is left out, any other thing that is no batch of format 2 is refused. Checks sizes and CRCs.
 */
export function analyzeBatches(
  records: Buffer,
  config: LogConfig,
  topicPartition: string,
  origin: 'client' | 'coordinator' | 'replication',
): RecordBatch[] {
  const batches: RecordBatch[] = []
  for (let at = 0; at < records.length; ) {
    const fault = batchFaultAt(records, at)
    if (fault === 'too-short') break
    if (fault !== undefined) throw refuseFault(records, at, fault)
    const batch = new RecordBatch(records, at)
    if (origin === 'client' && batch.baseOffset !== 0)
      throw invalid(
        `The baseOffset of the record batch in the append to ${topicPartition} should be 0, but it is ${batch.baseOffset}`,
      )
    const size = batch.sizeInBytes
    if (origin !== 'replication' && size > config.maxMessageBytes)
      throw new AppendRefused(
        ErrorCode.MESSAGE_TOO_LARGE,
        `The record batch size in the append to ${topicPartition} is ${size} bytes which exceeds the maximum configured value of ${config.maxMessageBytes}.`,
      )
    if (!batch.crcIsRight())
      throw new AppendRefused(
        ErrorCode.CORRUPT_MESSAGE,
        `Record is corrupt (stored crc = ${batch.crc}) in topic partition ${topicPartition}.`,
      )
    batches.push(batch)
    at += size
  }
  return batches
}

/** Well below a millisecond. */
const RECORDS_PER_STEP = 256

/** What was sent, checked and made ready under one config; only offsets, leader epoch and time are still to come. */
export interface ValidatedAppend {
  readonly bytes: Buffer
  readonly batches: readonly RecordBatch[]
  readonly config: LogConfig
}

/**
 * What a leader writes of the bytes that it was sent: every batch checked, and compressed anew where it has to be; of a
 * message set of an older format, the batch that it is converted to.
 */
export function* leaderBatches(
  sentBytes: Buffer,
  config: LogConfig,
  topicPartition: string,
  origin: 'client' | 'coordinator',
  nowMs: number,
): Steps<ValidatedAppend> {
  const isOld = origin === 'client' && isMessageSet(sentBytes)
  const records = isOld ? yield* upConvert(sentBytes, config, topicPartition, nowMs) : sentBytes
  const sent = analyzeBatches(records, config, topicPartition, origin)
  if (origin === 'client' && sent.length > 1)
    throw invalid('Produce requests are only allowed to contain exactly one record batch per partition')
  const batches: RecordBatch[] = []
  let changed = false
  for (const batch of sent) {
    const target = checkHeader(batch, config, topicPartition, origin, nowMs)
    const validated =
      target === undefined ? batch : yield* validateRecords(batch, target, config, topicPartition, nowMs)
    if (validated !== batch) changed = true
    batches.push(validated)
  }
  for (const { sizeInBytes } of changed ? batches : []) {
    if (sizeInBytes > config.maxMessageBytes)
      throw new AppendRefused(
        ErrorCode.MESSAGE_TOO_LARGE,
        `Message batch size is ${sizeInBytes} bytes in append to partition ${topicPartition} which exceeds the maximum configured size of ${config.maxMessageBytes}.`,
      )
  }
  const bytes = changed
    ? Buffer.concat(batches.map((batch) => batch.bytes))
    : records.subarray(0, sent.at(-1)?.end ?? 0)
  if (bytes.length > config.segmentBytes)
    throw new AppendRefused(
      ErrorCode.RECORD_LIST_TOO_LARGE,
      `Message batch size is ${bytes.length} bytes in append to partition ${topicPartition}, which exceeds the maximum configured segment size of ${config.segmentBytes}.`,
    )
  return { bytes, batches: changed ? [...new BatchReader(bytes)] : batches, config }
}

function refuseFault(records: Buffer, at: number, fault: 'bad-length' | 'bad-magic'): AppendRefused {
  if (fault === 'bad-length') {
    const size = records.readInt32BE(at + 8)
    return new AppendRefused(
      ErrorCode.CORRUPT_MESSAGE,
      `Record size ${size} is less than the minimum record overhead (${RECORD_BATCH_OVERHEAD - LOG_OVERHEAD})`,
    )
  }
  const magic = records.readInt8(at + 16)
  if (magic === 0 || magic === 1) return invalid('Only record batches with magic version 2 are allowed')
  return new AppendRefused(ErrorCode.CORRUPT_MESSAGE, `Invalid magic found in record: ${magic}`)
}

/**
 * What Kafka's `LogValidator` checks of a batch that a leader takes, from its header alone wherever that says enough:
 * undefined, then. Otherwise its records have to be looked at, and the codec is what they are to be compressed with.
 * Throws AppendRefused.
 */
function checkHeader(
  batch: RecordBatch,
  config: LogConfig,
  topicPartition: string,
  origin: 'client' | 'coordinator',
  nowMs: number,
): CompressionType | undefined {
  if (origin === 'client') checkClientHeader(batch, topicPartition)
  const codec = compressionTypeOf(batch.compressionCodec)
  if (codec === undefined)
    throw new AppendRefused(
      ErrorCode.CORRUPT_MESSAGE,
      `Unknown compression type id: ${batch.compressionCodec}`,
    )
  if (batch.isControl) return undefined
  const target = targetCodec(config, codec)
  return target === codec && !recordsMatter(batch, config, nowMs) ? undefined : target
}

function recordsMatter(batch: RecordBatch, config: LogConfig, nowMs: number): boolean {
  const compacted = config.cleanupPolicy.includes('compact')
  return compacted || config.validateRecords || !headerTimestampsFit(batch, config, nowMs)
}

/**
 * The rest of it. Returns the batch to write, which is the same one unless its records have to be compressed anew.
 * Throws AppendRefused; nothing of the batch has changed then.
 */
function* validateRecords(
  batch: RecordBatch,
  target: CompressionType,
  config: LogConfig,
  topicPartition: string,
  nowMs: number,
): Steps<RecordBatch> {
  if (recordsMatter(batch, config, nowMs)) yield* checkRecords(batch, config, topicPartition, nowMs)
  return target === compressionTypeOf(batch.compressionCodec)
    ? batch
    : yield* recompress(batch, target, config)
}

/** The texts and their order are Kafka's. */
function checkClientHeader(batch: RecordBatch, topicPartition: string): void {
  const count = batch.recordsCount
  const countFromOffsets = batch.lastOffsetDelta + 1
  const range = `[${batch.baseOffset}, ${batch.lastOffset}]`
  if (countFromOffsets <= 0)
    throw invalid(`Batch has an invalid offset range: ${range} in topic partition ${topicPartition}.`)
  if (count <= 0)
    throw invalid(`Invalid reported count for record batch: ${count} in topic partition ${topicPartition}.`)
  if (countFromOffsets !== count)
    throw invalid(
      `Inconsistent batch offset range ${range} and count of records ${count} in topic partition ${topicPartition}.`,
    )
  if (batch.isControl)
    throw invalid(`Clients are not allowed to write control records in topic partition ${topicPartition}.`)
  if (batch.hasProducerId && batch.baseSequence < 0)
    throw invalid(
      `Invalid sequence number ${batch.baseSequence} in record batch with producerId ${batch.producerId} in topic partition ${topicPartition}.`,
    )
}

/** False sends the batch to the walk over its records, which says which of them is wrong. */
function headerTimestampsFit(batch: RecordBatch, config: LogConfig, nowMs: number): boolean {
  const { baseTimestamp, maxTimestamp } = batch
  if (config.messageTimestampType === 'LogAppendTime') return batch.timestampType === 'CreateTime'
  if (maxTimestamp === NO_TIMESTAMP) return batch.timestampType === 'CreateTime'
  return timestampFits(maxTimestamp, config, nowMs) && timestampFits(baseTimestamp, config, nowMs)
}

/** Kafka's walk over every record: `LogValidator.validateRecord`. */
function* checkRecords(
  batch: RecordBatch,
  config: LogConfig,
  topicPartition: string,
  nowMs: number,
): Steps<void> {
  const checks = new RecordChecks(config, topicPartition, nowMs)
  let maxTimestamp = NO_TIMESTAMP
  try {
    const cursor = yield* RecordCursor.inSteps(batch, MAX_DECOMPRESSED_BYTES)
    for (let batchIndex = 0; cursor.advance(); batchIndex++) {
      if (batchIndex % RECORDS_PER_STEP === 0) yield
      maxTimestamp = Math.max(maxTimestamp, cursor.timestamp)
      checks.check(batchIndex, cursor, batch.timestampType)
    }
  } catch (error) {
    if (!(error instanceof CorruptRecordError)) throw error
    throw invalid(`${error.message} in topic partition ${topicPartition}.`)
  }
  // The header has a timestamp that no record has; Kafka would correct it, which changes bytes that the producer signed.
  if (!checks.failed && maxTimestamp !== batch.maxTimestamp && !headerTimestampsFit(batch, config, nowMs))
    checks.refuseTimestamp(0, checks.outOfRange(batch.maxTimestamp, batch.lastOffset))
  checks.finish()
}

function* recompress(batch: RecordBatch, target: CompressionType, config: LogConfig): Steps<RecordBatch> {
  let records: Buffer
  try {
    const cursor = yield* RecordCursor.inSteps(batch, MAX_DECOMPRESSED_BYTES)
    for (let passed = 0; cursor.advance(); passed++) if (passed % RECORDS_PER_STEP === 0) yield
    records = cursor.payload
  } catch (error) {
    if (!(error instanceof CorruptRecordError)) throw error
    throw invalid(error.message)
  }
  const bytes = yield* assembleBatchInSteps(
    {
      baseOffset: batch.baseOffset,
      partitionLeaderEpoch: batch.partitionLeaderEpoch,
      compression: target,
      ...(config.compressionLevel === undefined ? {} : { compressionLevel: config.compressionLevel }),
      timestampType: batch.timestampType,
      baseTimestamp: batch.baseTimestamp,
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      isTransactional: batch.isTransactional,
      isControl: batch.isControl,
    },
    records,
    {
      recordsCount: batch.recordsCount,
      lastOffsetDelta: batch.lastOffsetDelta,
      maxTimestamp: batch.maxTimestamp,
    },
  )
  return new RecordBatch(bytes)
}

function invalid(message: string): AppendRefused {
  return new AppendRefused(ErrorCode.INVALID_RECORD, message)
}
