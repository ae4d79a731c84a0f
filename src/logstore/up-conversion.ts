import type { Steps } from '../base/steps.ts'
import { NO_TIMESTAMP } from '../wire/batch.ts'
import { compressionTypeOf } from '../wire/compression.ts'
import { CorruptRecordError } from '../wire/corrupt-record-error.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  decompressWrapper,
  type LegacyMessage,
  magicAt,
  messageFaultAt,
  messagesInside,
  readMessage,
} from '../wire/message-set.ts'
import { assembleBatchInSteps, RecordsBuilder } from '../wire/records.ts'
import { targetCodec } from './append-codec.ts'
import type { LogConfig } from './log-config.ts'
import { AppendRefused } from './log-errors.ts'
import { RecordChecks } from './record-checks.ts'

/** More than any producer puts together; every message costs time, so there is less room than for batches of today. */
const MAX_CONVERTED_BYTES = 32 * 1024 * 1024
/** Well below a millisecond. */
const MESSAGES_PER_STEP = 256

/** Whether the bytes begin with a message of format 0 or 1. */
export function isMessageSet(records: Buffer): boolean {
  const magic = magicAt(records, 0)
  return magic === 0 || magic === 1
}

/**
 * A message set of format 0 or 1 as one batch of today's format, checked as Kafka's `LogValidator` checks it, with the
 * codec that the topic wants. Record timestamps are kept, format 0 has none (-1). Empty where no message is whole: one
 * that is cut off at the end is left out. Throws AppendRefused.
 *
 * What it decompresses to, and what it makes of it, is bounded by 32 MiB or `max.message.bytes`.
 */
export function* upConvert(
  records: Buffer,
  config: LogConfig,
  topicPartition: string,
  nowMs: number,
): Steps<Buffer> {
  const first = yield* checkOuterMessages(records, config, topicPartition)
  if (first === undefined) return records.subarray(0, 0)
  const maxBytes = Math.max(MAX_CONVERTED_BYTES, config.maxMessageBytes)
  const checks = new RecordChecks(config, topicPartition, nowMs)
  const builder = new RecordsBuilder()
  let baseTimestamp = NO_TIMESTAMP
  let maxTimestamp = NO_TIMESTAMP
  try {
    const isCompressed = first.compressionCodec !== 0
    const messages = isCompressed
      ? messagesInside(first, yield* decompressWrapper(first, maxBytes))
      : messagesOf(records)
    for (const message of messages) {
      if (builder.count % MESSAGES_PER_STEP === 0) yield
      checkMessage(message, builder.count, first, checks, topicPartition)
      if (!isCompressed) checks.finish()
      const { key, value, timestamp } = message
      if (builder.count === 0) baseTimestamp = timestamp
      maxTimestamp = Math.max(maxTimestamp, timestamp)
      builder.append({ key, value, timestampDelta: timestamp - baseTimestamp })
      if (builder.sizeInBytes > maxBytes) throw tooLarge(topicPartition, maxBytes)
    }
  } catch (error) {
    if (error instanceof CorruptRecordError && error.exceedsLimit) throw tooLarge(topicPartition, maxBytes)
    throw refuseCorrupt(error, topicPartition)
  }
  checks.finish()
  // The codecs of format 0 and 1 were looked at when the messages were read.
  const source = compressionTypeOf(first.compressionCodec) ?? 'none'
  return yield* assembleBatchInSteps(
    {
      compression: targetCodec(config, source),
      ...(config.compressionLevel === undefined ? {} : { compressionLevel: config.compressionLevel }),
      baseTimestamp,
    },
    builder.toBuffer(),
    { recordsCount: builder.count, lastOffsetDelta: builder.count - 1, maxTimestamp },
  )
}

/** Looks at the messages as they were sent, not into them; the first one, if there is any. */
function* checkOuterMessages(
  records: Buffer,
  config: LogConfig,
  topicPartition: string,
): Steps<LegacyMessage | undefined> {
  let first: LegacyMessage | undefined
  let count = 0
  let isCompressed = false
  let otherMagic: number | undefined
  for (let at = 0; at < records.length; ) {
    if (count % MESSAGES_PER_STEP === 0) yield
    const fault = messageFaultAt(records, at)
    if (fault === 'too-short') break
    if (fault !== undefined) throw refuseFault(records, at, fault)
    const message = readOrRefuse(records, at, topicPartition)
    if (message.sizeInBytes > config.maxMessageBytes)
      throw new AppendRefused(
        ErrorCode.MESSAGE_TOO_LARGE,
        `The record batch size in the append to ${topicPartition} is ${message.sizeInBytes} bytes which exceeds the maximum configured value of ${config.maxMessageBytes}.`,
      )
    if (!message.crcIsRight)
      throw new AppendRefused(
        ErrorCode.CORRUPT_MESSAGE,
        `Record is corrupt (stored crc = ${message.crc}) in topic partition ${topicPartition}.`,
      )
    first ??= message
    count++
    isCompressed ||= message.compressionCodec !== 0
    if (message.magic !== first.magic) otherMagic ??= message.magic
    at += message.sizeInBytes
  }
  if (isCompressed && count > 1) throw invalid('Compressed outer record has more than one batch')
  if (otherMagic !== undefined)
    throw invalid(
      `Batch magic ${otherMagic} is not the same as the first batch's magic byte ${first?.magic} in topic partition ${topicPartition}`,
    )
  return first
}

function* messagesOf(records: Buffer): Generator<LegacyMessage, void, void> {
  for (let at = 0; messageFaultAt(records, at) === undefined; ) {
    const message = readMessage(records, at)
    yield message
    at += message.sizeInBytes
  }
}

function checkMessage(
  message: LegacyMessage,
  index: number,
  first: LegacyMessage,
  checks: RecordChecks,
  topicPartition: string,
): void {
  const { offset, timestamp, key } = message
  if (!message.crcIsRight)
    throw new AppendRefused(
      ErrorCode.CORRUPT_MESSAGE,
      `Record is corrupt inside of a compressed message in topic partition ${topicPartition}.`,
    )
  if (message.magic !== first.magic)
    checks.refuse(index, `Record's magic ${message.magic} does not match outer magic ${first.magic}`)
  // Kafka fails on these with an unexpected exception.
  else if (timestamp < NO_TIMESTAMP) checks.refuseTimestamp(index, `Invalid negative timestamp ${timestamp}`)
  else
    checks.check(
      index,
      { offset, timestamp, hasKey: key !== null },
      first.compressionCodec === 0 ? message.timestampType : first.timestampType,
    )
}

function tooLarge(topicPartition: string, maxBytes: number): AppendRefused {
  return new AppendRefused(
    ErrorCode.MESSAGE_TOO_LARGE,
    `The messages in the append to ${topicPartition} hold more than ${maxBytes} bytes`,
  )
}

function readOrRefuse(records: Buffer, at: number, topicPartition: string): LegacyMessage {
  try {
    return readMessage(records, at)
  } catch (error) {
    throw refuseCorrupt(error, topicPartition)
  }
}

function refuseCorrupt(error: unknown, topicPartition: string): unknown {
  if (!(error instanceof CorruptRecordError)) return error
  return invalid(`${error.message} in topic partition ${topicPartition}.`)
}

function refuseFault(records: Buffer, at: number, fault: 'bad-length' | 'bad-magic'): AppendRefused {
  if (fault === 'bad-length')
    return new AppendRefused(
      ErrorCode.CORRUPT_MESSAGE,
      `Record size ${records.readInt32BE(at + 8)} is less than the minimum record overhead`,
    )
  const magic = magicAt(records, at)
  return magic === 2
    ? invalid("Batch magic 2 is not the same as the first batch's magic byte")
    : new AppendRefused(ErrorCode.CORRUPT_MESSAGE, `Invalid magic found in record: ${magic}`)
}

function invalid(message: string): AppendRefused {
  return new AppendRefused(ErrorCode.INVALID_RECORD, message)
}
