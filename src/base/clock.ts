/** Time and timers. Everything that needs either is handed a Clock; only this file and the tests know how time passes. */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May jump. */
  now(): number
  /** Milliseconds from an arbitrary origin that never goes backwards; for durations and deadlines. */
  monotonicMs(): number
  /** Calls `callback` once, after `delayMs` (at least 0; delays beyond 2^31-1 ms are honoured). */
  setTimer(delayMs: number, callback: () => void): Timer
}

export interface Timer {
  /** No effect when the timer has fired or was cancelled. */
  cancel(): void
}

const MAX_NODE_DELAY_MS = 2 ** 31 - 1

class NodeTimer implements Timer {
  #handle: NodeJS.Timeout | undefined
  constructor(delayMs: number, callback: () => void) {
    this.#arm(Math.max(0, delayMs), callback)
  }
  #arm(delayMs: number, callback: () => void): void {
    const step = Math.min(delayMs, MAX_NODE_DELAY_MS)
    this.#handle = setTimeout(() => {
      if (delayMs > step) this.#arm(delayMs - step, callback)
      else callback()
    }, step)
  }
  cancel(): void {
    clearTimeout(this.#handle)
    this.#handle = undefined
  }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, callback) => new NodeTimer(delayMs, callback),
}
