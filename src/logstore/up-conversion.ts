import { compressionTypeOf } from '../wire/compression.ts'
import { CorruptRecordError } from '../wire/corrupt-record-error.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { type LegacyMessage, magicAt, messageFaultAt, messagesIn, readMessage } from '../wire/message-set.ts'
import { encodeBatch } from '../wire/records.ts'
import { targetCodec } from './append-codec.ts'
import type { LogConfig } from './log-config.ts'
import { AppendRefused } from './log-errors.ts'
import { RecordChecks } from './record-checks.ts'
import { MAX_DECOMPRESSED_BYTES } from './segment.ts'

/** Whether the bytes begin with a message of format 0 or 1. */
export function isMessageSet(records: Buffer): boolean {
  const magic = magicAt(records, 0)
  return magic === 0 || magic === 1
}

/**
 * A message set of format 0 or 1 as one batch of today's format, checked as Kafka's `LogValidator` checks it, with the
 * codec that the topic wants. Record timestamps are kept, format 0 has none (-1). Empty where no message is whole: one
 * that is cut off at the end is left out. Throws AppendRefused.
 */
export function upConvert(records: Buffer, config: LogConfig, topicPartition: string, nowMs: number): Buffer {
  const outer = outerMessages(records, config, topicPartition)
  const [first] = outer
  if (first === undefined) return records.subarray(0, 0)
  const messages = first.compressionCodec === 0 ? outer : unwrapped(first, topicPartition)
  const checks = new RecordChecks(config, topicPartition, nowMs)
  messages.forEach((message, index) => {
    checkMessage(message, index, first, checks)
  })
  checks.finish()
  const baseTimestamp = messages[0]!.timestamp
  // The codecs of format 0 and 1 were looked at when the messages were read.
  const source = compressionTypeOf(first.compressionCodec) ?? 'none'
  return encodeBatch({
    compression: targetCodec(config, source),
    ...(config.compressionLevel === undefined ? {} : { compressionLevel: config.compressionLevel }),
    baseTimestamp,
    records: messages.map(({ key, value, timestamp }) => ({
      key,
      value,
      timestampDelta: timestamp - baseTimestamp,
    })),
  })
}

/** The messages as sent: one each, or a single compressed one. */
function outerMessages(records: Buffer, config: LogConfig, topicPartition: string): LegacyMessage[] {
  const messages: LegacyMessage[] = []
  let isCompressed = false
  for (let at = 0; at < records.length; ) {
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
    isCompressed ||= message.compressionCodec !== 0
    messages.push(message)
    at += message.sizeInBytes
  }
  if (isCompressed && messages.length > 1) throw invalid('Compressed outer record has more than one batch')
  const magic = messages[0]?.magic
  const other = messages.find((message) => message.magic !== magic)
  if (other !== undefined)
    throw invalid(
      `Batch magic ${other.magic} is not the same as the first batch's magic byte ${magic} in topic partition ${topicPartition}`,
    )
  return messages
}

function unwrapped(wrapper: LegacyMessage, topicPartition: string): LegacyMessage[] {
  let messages: LegacyMessage[]
  try {
    messages = messagesIn(wrapper, MAX_DECOMPRESSED_BYTES)
  } catch (error) {
    throw refuseCorrupt(error, topicPartition)
  }
  if (messages.some(({ crcIsRight }) => !crcIsRight))
    throw new AppendRefused(
      ErrorCode.CORRUPT_MESSAGE,
      `Record is corrupt inside of a compressed message in topic partition ${topicPartition}.`,
    )
  return messages
}

function checkMessage(
  message: LegacyMessage,
  index: number,
  first: LegacyMessage,
  checks: RecordChecks,
): void {
  const { offset, timestamp, key } = message
  if (message.magic !== first.magic)
    checks.refuse(index, `Record's magic ${message.magic} does not match outer magic ${first.magic}`)
  // Kafka fails on these with an unexpected exception.
  else if (timestamp < -1) checks.refuseTimestamp(index, `Invalid negative timestamp ${timestamp}`)
  else
    checks.check(
      index,
      { offset, timestamp, hasKey: key !== null },
      first.compressionCodec === 0 ? message.timestampType : first.timestampType,
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
