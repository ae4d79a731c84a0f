import type { Clock, Timer } from '../../base/clock.ts'

/** The clock as one process sees it: when the process dies, its timers die with it. */
export class ProcessClock implements Clock {
  readonly #clock: Clock
  readonly #timers = new Set<Timer>()
  #isAlive = true

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#clock.now()
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    if (!this.#isAlive) return { cancel() {} }
    const inner = this.#clock.setTimer(delayMs, () => {
      this.#timers.delete(timer)
      callback()
    })
    const timer: Timer = {
      cancel: () => {
        this.#timers.delete(timer)
        inner.cancel()
      },
    }
    this.#timers.add(timer)
    return timer
  }

  kill(): void {
    this.#isAlive = false
    for (const timer of this.#timers) timer.cancel()
  }
}
