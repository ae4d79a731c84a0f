import { ClientLimits } from './client-limits.ts'
import type { QuotaClient } from './rate-quota.ts'
import { TokenBucket } from './token-bucket.ts'
import { UsageByClient } from './usage.ts'
import type { RateWindows } from './windowed-rate.ts'

/**
 * The quota on partitions that are made and deleted: Kafka's `ControllerMutationQuotaManager` (KIP-599). It allows
 * bursts of all windows, and what begins within it may go over.
 */
export class MutationQuota {
  readonly #windows: RateWindows
  readonly #buckets = new UsageByClient((nowMs) => new TokenBucket(nowMs))
  #limits = new ClientLimits('', [])

  constructor(windows: RateWindows) {
    this.#windows = windows
  }

  setLimits(limits: ClientLimits): void {
    this.#limits = limits
    if (limits.none) this.#buckets.clear()
  }

  /**
   * The allowance of one request. `strict` refuses what comes when it is used up, for versions whose clients know
   * THROTTLING_QUOTA_EXCEEDED; for the others all is done and the client throttled.
   */
  allowance({ user, clientId }: QuotaClient, strict: boolean): MutationAllowance {
    return new MutationAllowance((count, nowMs) => {
      const limit = this.#limits.of(user, clientId)
      if (limit === undefined) return { allowed: true, throttleMs: 0 }
      const bucket = this.#buckets.of(limit, nowMs)
      const tokens = bucket.tokens(limit.limit, nowMs, this.#windows)
      const allowed = !strict || tokens >= 0
      const left = allowed ? bucket.take(count, limit.limit, nowMs, this.#windows) : tokens
      // A strict request within the quota is not throttled: the next one is refused.
      const over = strict ? !allowed : left < 0
      return { allowed, throttleMs: over ? Math.round((-left / limit.limit) * 1000) : 0 }
    }, strict)
  }
}

type Take = (count: number, nowMs: number) => { readonly allowed: boolean; readonly throttleMs: number }

/** What one request may still change, and how long its client is to wait for what it changed. */
export class MutationAllowance {
  readonly #take: Take
  readonly #strict: boolean
  /** By subject, so that a change that is decided on anew is not counted again. */
  readonly #taken = new Map<string, boolean>()
  #throttleMs = 0
  #atMs = 0

  constructor(take: Take, strict: boolean) {
    this.#take = take
    this.#strict = strict
  }

  /** Counts so many partitions for `subject` (a topic) once; false where they may not be changed. */
  take(subject: string, partitions: number, nowMs: number): boolean {
    const before = this.#taken.get(subject)
    if (before !== undefined) return before
    const allowed = this.#takeNow(partitions, nowMs)
    this.#taken.set(subject, allowed)
    return allowed
  }

  #takeNow(partitions: number, nowMs: number): boolean {
    // What was refused once is refused for the rest of the request.
    if (this.#strict && this.#throttleMs > 0) return false
    const { allowed, throttleMs } = this.#take(partitions, nowMs)
    if (throttleMs > 0) {
      this.#throttleMs = throttleMs
      this.#atMs = nowMs
    }
    return allowed
  }

  /** What is left of the throttle time. */
  throttleMs(nowMs: number): number {
    return Math.max(0, Math.round(this.#throttleMs - (nowMs - this.#atMs)))
  }
}
