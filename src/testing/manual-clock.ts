import type { Clock, Timer } from '../base/clock.ts'

interface PendingTimer extends Timer {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
}

/** A clock that stands still until a test moves it. Timers fire in the order of their due times, then of their setting. */
export class ManualClock implements Clock {
  #wallMs: number
  #elapsedMs = 0
  #order = 0
  readonly #timers = new Set<PendingTimer>()

  constructor(startMs = 1_700_000_000_000) {
    this.#wallMs = startMs
  }

  /** Whole milliseconds, as a system's. */
  now(): number {
    return Math.floor(this.#wallMs)
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer: PendingTimer = {
      dueMs: this.#elapsedMs + Math.max(0, delayMs),
      order: this.#order++,
      callback,
      cancel: () => this.#timers.delete(timer),
    }
    this.#timers.add(timer)
    return timer
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  /** Milliseconds until the next timer, or undefined when none is set. */
  get nextTimerInMs(): number | undefined {
    const next = this.#next()
    return next === undefined ? undefined : next.dueMs - this.#elapsedMs
  }

  /** Moves both clocks on, firing what becomes due on the way, timers set meanwhile included. */
  advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms
    for (;;) {
      const next = this.#next()
      if (next === undefined || next.dueMs > untilMs) break
      this.#fire(next)
    }
    this.#move(untilMs - this.#elapsedMs)
  }

  /** Moves both clocks to the next timer and fires that one alone; false when none is set. */
  fireNext(): boolean {
    const next = this.#next()
    if (next !== undefined) this.#fire(next)
    return next !== undefined
  }

  /** Sets the wall clock alone, forwards or back, as an operator or NTP does; timers and durations see nothing. */
  jumpTo(wallMs: number): void {
    this.#wallMs = wallMs
  }

  #fire(timer: PendingTimer): void {
    this.#move(Math.max(0, timer.dueMs - this.#elapsedMs))
    this.#timers.delete(timer)
    timer.callback()
  }

  #move(ms: number): void {
    this.#elapsedMs += ms
    this.#wallMs += ms
  }

  #next(): PendingTimer | undefined {
    let next: PendingTimer | undefined
    for (const timer of this.#timers) {
      if (
        next === undefined ||
        timer.dueMs < next.dueMs ||
        (timer.dueMs === next.dueMs && timer.order < next.order)
      )
        next = timer
    }
    return next
  }
}
