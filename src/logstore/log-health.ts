import type { Logger } from '../base/logger.ts'
import { KafkaError } from '../wire/error-codes.ts'
import { isDeviceFailure, LogStorageError } from './log-errors.ts'

/** Whether one log can be used: a failure half-way leaves memory and disk apart, so that only a new start helps. */
export class LogHealth {
  readonly #topicPartition: string
  readonly #logger: Logger
  readonly #onFailure: ((error: LogStorageError) => void) | undefined
  readonly #directoryFailure: (() => Error | undefined) | undefined
  /** Why the log is offline; undefined while it works. */
  failure: LogStorageError | undefined
  closed = false

  /**
   * `onFailure` is called when the log goes offline, and when its device fails, also without that; `directoryFailure`
   * says why nothing beside it is used any more.
   */
  constructor(
    topicPartition: string,
    logger: Logger,
    onFailure?: (error: LogStorageError) => void,
    directoryFailure?: () => Error | undefined,
  ) {
    this.#topicPartition = topicPartition
    this.#logger = logger
    this.#onFailure = onFailure
    this.#directoryFailure = directoryFailure
  }

  /** Throws LogStorageError where the log is offline, alone or with its directory, or closed. */
  check(): void {
    if (this.failure !== undefined) throw this.failure
    const failed = this.#directoryFailure?.()
    // What comes in the same turn would be taken behind what was refused (Kafka's LogDirFailureChannel).
    if (failed !== undefined)
      throw new LogStorageError(`could not use the log of ${this.#topicPartition}`, failed)
    if (this.closed) throw this.error('use', new Error('the log is closed'))
  }

  /** Does what must not end half-way: if the disk fails, the log goes offline. */
  guard<T>(what: string, action: () => T): T {
    try {
      return action()
    } catch (error) {
      if (error instanceof KafkaError) throw error
      this.fail(what, error)
      throw this.error(what, error)
    }
  }

  /** Does what only reads, where the log can be used: it goes on, if it cannot be read. Throws LogStorageError. */
  look<T>(what: string, action: () => T): T {
    this.check()
    try {
      return action()
    } catch (error) {
      if (error instanceof KafkaError) throw error
      this.#logger.error('could not read a log', {
        partition: this.#topicPartition,
        action: what,
        err: error,
      })
      throw this.report(what, error)
    }
  }

  error(what: string, cause: unknown): LogStorageError {
    if (cause instanceof LogStorageError) return cause
    return new LogStorageError(`could not ${what} the log of ${this.#topicPartition}`, cause)
  }

  /** The error to throw where this log could go on; whether the disk can, its owner decides. */
  report(what: string, cause: unknown): LogStorageError {
    const error = this.error(what, cause)
    if (!this.closed && isDeviceFailure(error)) this.#onFailure?.(error)
    return error
  }

  fail(what: string, error: unknown): void {
    if (this.failure !== undefined) return
    this.failure = this.error(what, error)
    this.#logger.error('a log is offline', { partition: this.#topicPartition, action: what, err: error })
    this.#onFailure?.(this.failure)
  }
}
