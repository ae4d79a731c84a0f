import type { Clock } from '../../base/clock.ts'

/** Kafka looks at the rate as often as this. */
const INTERVAL_SECONDS = 0.3
const SMALLEST_STEP = 4096

/** Keeps what all cleanings together read and write under a rate (Kafka's `Throttler`). */
export class Throttle {
  readonly #clock: Clock
  readonly #waiting = new Set<() => void>()
  #dueMs = 0
  #released = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** So few that no step goes far over the rate. */
  bytesPerStep(wanted: number, bytesPerSecond: number): number {
    if (bytesPerSecond <= 0) return wanted
    return Math.min(wanted, Math.max(SMALLEST_STEP, Math.floor(bytesPerSecond * INTERVAL_SECONDS)))
  }

  /** Resolves when so many bytes may have passed. */
  async pass(bytes: number, bytesPerSecond: number): Promise<void> {
    if (bytesPerSecond <= 0) return
    const nowMs = this.#clock.monotonicMs()
    // What was waited too long is made up for, within the interval.
    const fromMs = Math.max(this.#dueMs, nowMs - INTERVAL_SECONDS * 1000)
    this.#dueMs = fromMs + (bytes / bytesPerSecond) * 1000
    const waitMs = this.#dueMs - nowMs
    if (waitMs < 1 || this.#released) return
    await new Promise<void>((resolve) => {
      const done = () => {
        timer.cancel()
        this.#waiting.delete(done)
        resolve()
      }
      const timer = this.#clock.setTimer(waitMs, done)
      this.#waiting.add(done)
    })
  }

  /** Nobody waits any more. */
  release(): void {
    this.#released = true
    for (const done of [...this.#waiting]) done()
  }
}
