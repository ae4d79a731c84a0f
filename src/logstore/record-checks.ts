import { NO_TIMESTAMP, type TimestampType } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { LogConfig } from './log-config.ts'
import { AppendRefused, type RecordError } from './log-errors.ts'

/** Kafka tells a producer about so many records in the text of the error. */
const MAX_RECORD_ERRORS_IN_TEXT = 3
/** So many are kept for the answer; a compressed batch of a few bytes may hold millions of bad records. */
const MAX_RECORD_ERRORS = 1000

/** What of a record is checked. */
interface CheckedRecord {
  readonly offset: number
  readonly timestamp: number
  readonly hasKey: boolean
}

export function timestampFits(timestamp: number, config: LogConfig, nowMs: number): boolean {
  return (
    nowMs - timestamp <= config.messageTimestampBeforeMaxMs &&
    timestamp - nowMs <= config.messageTimestampAfterMaxMs
  )
}

/** Collects what is wrong with the records of one append: Kafka's `LogValidator.validateRecord`. */
export class RecordChecks {
  readonly #config: LogConfig
  readonly #topicPartition: string
  readonly #nowMs: number
  readonly #isCompacted: boolean
  readonly #errors: RecordError[] = []
  #errorCount = 0
  #timestampErrors = 0

  constructor(config: LogConfig, topicPartition: string, nowMs: number) {
    this.#config = config
    this.#topicPartition = topicPartition
    this.#nowMs = nowMs
    this.#isCompacted = config.cleanupPolicy.includes('compact')
  }

  get failed(): boolean {
    return this.#errorCount > 0
  }

  /** `timestampType` is that of the batch as it was sent. */
  check(batchIndex: number, record: CheckedRecord, timestampType: TimestampType): void {
    if (!this.#timestampIsRight(record, timestampType))
      this.refuseTimestamp(batchIndex, this.#isTold ? this.#timestampError(record) : '')
    else if (this.#isCompacted && !record.hasKey)
      this.refuse(
        batchIndex,
        this.#isTold
          ? `Compacted topic cannot accept message without key in topic partition ${this.#topicPartition}`
          : '',
      )
  }

  refuse(batchIndex: number, message: string): void {
    if (this.#isTold) this.#errors.push({ batchIndex, message })
    this.#errorCount++
  }

  refuseTimestamp(batchIndex: number, message: string): void {
    this.refuse(batchIndex, message)
    this.#timestampErrors++
  }

  /** Throws AppendRefused where anything was wrong. */
  finish(): void {
    const errors = this.#errors
    if (!this.failed) return
    if (this.#timestampErrors > 0)
      throw new AppendRefused(
        ErrorCode.INVALID_TIMESTAMP,
        'One or more records have been rejected due to invalid timestamp',
        errors,
      )
    const shown = errors
      .slice(0, MAX_RECORD_ERRORS_IN_TEXT)
      .map(({ batchIndex, message }) => `RecordError(batchIndex=${batchIndex}, message='${message}')`)
    throw new AppendRefused(
      ErrorCode.INVALID_RECORD,
      `One or more records have been rejected due to ${this.#errorCount} record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`,
      errors,
    )
  }

  outOfRange(timestamp: number, offset: number): string {
    const low = this.#nowMs - this.#config.messageTimestampBeforeMaxMs
    const high = this.#nowMs + this.#config.messageTimestampAfterMaxMs
    return `Timestamp ${timestamp} of message with offset ${offset} is out of range. The timestamp should be within [${low}, ${high}]`
  }

  /** Whether the next error is one that the answer tells. */
  get #isTold(): boolean {
    return this.#errors.length < MAX_RECORD_ERRORS
  }

  /** Only then it counts how far a timestamp is from the broker's time. */
  #hasCreateTime(timestamp: number): boolean {
    return this.#config.messageTimestampType === 'CreateTime' && timestamp !== NO_TIMESTAMP
  }

  #timestampIsRight({ timestamp }: CheckedRecord, timestampType: TimestampType): boolean {
    return this.#hasCreateTime(timestamp)
      ? timestampFits(timestamp, this.#config, this.#nowMs)
      : timestampType !== 'LogAppendTime'
  }

  #timestampError({ timestamp, offset }: CheckedRecord): string {
    return this.#hasCreateTime(timestamp)
      ? this.outOfRange(timestamp, offset)
      : `Invalid timestamp type in message with offset ${offset}. Producer should not set timestamp type to LogAppendTime.`
  }
}
