import { ClientLimits } from './client-limits.ts'
import { UsageByClient } from './usage.ts'
import { type RateWindows, WindowedRate } from './windowed-rate.ts'

/** Who asks, as far as quotas tell clients apart. */
export interface QuotaClient {
  /** Name of the user, without the type. */
  readonly user: string
  /** Empty where the request has none. */
  readonly clientId: string
}

export interface RateQuotaOptions {
  readonly windows: RateWindows
  /** Longest throttle time; none when left out. */
  readonly maxThrottleMs?: number
}

/**
 * A quota on units a second: Kafka's `ClientQuotaManager`. What is over the limit has been used already; the client
 * waits until its rate, with nothing more used, would be back at the limit.
 */
export class RateQuota {
  readonly #windows: RateWindows
  readonly #maxThrottleMs: number
  readonly #usage = new UsageByClient(() => new WindowedRate())
  #limits = new ClientLimits('', [])
  #enabled = false

  constructor({ windows, maxThrottleMs }: RateQuotaOptions) {
    this.#windows = windows
    this.#maxThrottleMs = maxThrottleMs ?? Number.POSITIVE_INFINITY
  }

  /** Whether anybody has a limit: without one, a request costs no more than this question. */
  get enabled(): boolean {
    return this.#enabled
  }

  setLimits(limits: ClientLimits): void {
    this.#limits = limits
    this.#enabled = !limits.none
    if (limits.none) this.#usage.clear()
  }

  /** Counts what was used; gives the milliseconds to throttle for, 0 within the limit. */
  record({ user, clientId }: QuotaClient, value: number, nowMs: number): number {
    const limit = this.#limits.of(user, clientId)
    if (limit === undefined) return 0
    const usage = this.#usage.of(limit, nowMs)
    usage.record(value, nowMs, this.#windows)
    return throttleMs(usage, limit.limit, nowMs, this.#windows, this.#maxThrottleMs)
  }

  /** Counts without throttling; a negative value takes back what is not to be used after all. */
  recordOnly({ user, clientId }: QuotaClient, value: number, nowMs: number): void {
    const limit = this.#limits.of(user, clientId)
    if (limit !== undefined) this.#usage.of(limit, nowMs).record(value, nowMs, this.#windows)
  }

  /** What may be used in all windows but one: more in one go could never be within the limit. Infinite without one. */
  maxInWindows({ user, clientId }: QuotaClient): number {
    const limit = this.#enabled ? this.#limits.of(user, clientId) : undefined
    if (limit === undefined) return Number.POSITIVE_INFINITY
    return limit.limit * (this.#windows.samples - 1) * (this.#windows.windowMs / 1000)
  }
}

/** Kafka's `QuotaUtils.boundedThrottleTime`: until the rate is at the limit, were nothing more used. */
export function throttleMs(
  usage: WindowedRate,
  limit: number,
  nowMs: number,
  windows: RateWindows,
  maxMs: number,
): number {
  const { rate, spanMs } = usage.measure(nowMs, windows)
  return rate <= limit ? 0 : Math.round(Math.min(((rate - limit) / limit) * spanMs, maxMs))
}
