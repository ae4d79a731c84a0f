import type { Clock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { LogSegment } from './segment.ts'

/** Segments that are deleted and keep their files, under other names, for `file.delete.delay.ms`. */
export class SegmentRemovals {
  readonly #clock: Clock
  readonly #logger: Logger
  /** Made when there is one. */
  #timers: Map<LogSegment, Timer> | undefined

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  add(segment: LogSegment, delayMs: number): void {
    segment.markDeleted()
    this.#timers ??= new Map()
    this.#timers.set(
      segment,
      this.#clock.setTimer(delayMs, () => void this.#remove(segment)),
    )
  }

  /** What is left is removed when the log is opened the next time. */
  cancel(): void {
    for (const timer of this.#timers?.values() ?? []) timer.cancel()
    this.#timers = undefined
  }

  async #remove(segment: LogSegment): Promise<void> {
    this.#timers?.delete(segment)
    try {
      await segment.removeFilesAsync()
    } catch (error) {
      this.#logger.warn('could not remove a deleted segment; the next start will', {
        path: segment.path,
        err: error,
      })
    }
  }
}
