import type { RateWindows } from './windowed-rate.ts'

/**
 * Kafka's `TokenBucket` (KIP-599): filled by `rate` a second up to a burst of all windows, and it may be taken below
 * zero, which the next ones pay for. Begins full.
 */
export class TokenBucket {
  #tokens = Number.POSITIVE_INFINITY
  #updatedMs: number

  constructor(nowMs: number) {
    this.#updatedMs = nowMs
  }

  /** Tokens that are left; below zero when more were taken than there were. */
  tokens(rate: number, nowMs: number, { samples, windowMs }: RateWindows): number {
    const burst = rate * samples * (windowMs / 1000)
    this.#tokens = Math.min(burst, this.#tokens + (rate * (nowMs - this.#updatedMs)) / 1000)
    this.#updatedMs = nowMs
    return this.#tokens
  }

  /** Takes `count`, whether there are so many or not; gives what is left. */
  take(count: number, rate: number, nowMs: number, windows: RateWindows): number {
    this.#tokens = this.tokens(rate, nowMs, windows) - count
    return this.#tokens
  }
}
