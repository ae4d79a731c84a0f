import type { Clock } from '../base/clock.ts'
import type { QuotaClient, RateQuota } from '../security/quotas/rate-quota.ts'

/** A thousand milliseconds a second are the whole event loop, 100 percent. */
const PERCENT_PER_MS = 0.1

/**
 * What one request costs the event loop: decoding, handling and encoding, the waits in between left out, and what it
 * takes to hand the answer to the kernel. Counts against `request_percentage`: Kafka counts the time of its threads,
 * of which each is 100 percent; here the one event loop is.
 */
export class RequestTime {
  readonly #quota: RateQuota
  readonly #clock: Clock
  #usedMs = 0
  #sinceMs: number | undefined
  #exempt = false
  #charged = false

  constructor(quota: RateQuota, clock: Clock, beganMs: number) {
    this.#quota = quota
    this.#clock = clock
    this.#sinceMs = beganMs
  }

  /** The request waits for something from now on. */
  pause(): void {
    if (this.#sinceMs === undefined) return
    this.#usedMs += this.#clock.monotonicMs() - this.#sinceMs
    this.#sinceMs = undefined
  }

  /** The event loop is at work for it again. */
  resume(): void {
    this.#sinceMs ??= this.#clock.monotonicMs()
  }

  /** Its client is not throttled for it: brokers among themselves, and what nobody is told of a throttle time. */
  exempt(): void {
    this.#exempt = true
  }

  /** Counts what was used so far; gives the milliseconds to throttle for. What follows is counted without throttling. */
  charge(client: QuotaClient): number {
    const percent = this.#take() * PERCENT_PER_MS
    if (this.#exempt) return 0
    const nowMs = this.#clock.monotonicMs()
    if (this.#charged) {
      this.#quota.recordOnly(client, percent, nowMs)
      return 0
    }
    this.#charged = true
    return this.#quota.record(client, percent, nowMs)
  }

  /** Counts time that was used after the answer was made. */
  chargeMore(client: QuotaClient, busyMs: number): void {
    if (!this.#exempt) this.#quota.recordOnly(client, busyMs * PERCENT_PER_MS, this.#clock.monotonicMs())
  }

  #take(): number {
    this.pause()
    const usedMs = this.#usedMs
    this.#usedMs = 0
    this.resume()
    return usedMs
  }
}
