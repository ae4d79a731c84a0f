import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { CleaningRunner } from './cleaning-runner.ts'
import type { CleanerConfig, LogCleaner } from './log-cleaner.ts'

export interface CleanerLoopsOptions {
  readonly cleaner: LogCleaner
  readonly config: () => Pick<CleanerConfig, 'threads' | 'backoffMs'>
  readonly createRunner: () => CleaningRunner
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Cleans for as long as there is something to clean, then looks again after `log.cleaner.backoff.ms`; as many at a time
 * as `log.cleaner.threads` says now. `close` waits for what is under way.
 */
export class CleanerLoops {
  readonly #options: CleanerLoopsOptions
  readonly #loops = new Map<number, Promise<void>>()
  readonly #sleeping = new Set<() => void>()
  #closing = false

  constructor(options: CleanerLoopsOptions) {
    this.#options = options
    this.#startMissing()
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#options.cleaner.stop()
    for (const wake of [...this.#sleeping]) wake()
    await Promise.all(this.#loops.values())
  }

  #startMissing(): void {
    const { threads } = this.#options.config()
    for (let index = 0; index < threads; index++) {
      if (!this.#loops.has(index)) this.#loops.set(index, this.#loop(index))
    }
  }

  async #loop(index: number): Promise<void> {
    const { cleaner, config, createRunner, logger } = this.#options
    const runner = createRunner()
    // Whoever opened the logs goes on first.
    await this.#sleep(0)
    while (!this.#closing && index < config().threads) {
      this.#startMissing()
      try {
        if (await cleaner.cleanOnce(runner)) continue
        await runner.rest()
      } catch (err) {
        logger.error('a round of the log cleaner failed', { err })
      }
      await this.#sleep(config().backoffMs)
    }
    await runner.close()
    this.#loops.delete(index)
  }

  #sleep(ms: number): Promise<void> {
    if (this.#closing) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel()
        this.#sleeping.delete(wake)
        resolve()
      }
      const timer = this.#options.clock.setTimer(ms, wake)
      this.#sleeping.add(wake)
    })
  }
}
