/** How many windows a rate looks back over, and how long each is. */
export interface RateWindows {
  /** `quota.window.num`, the one under way included. */
  readonly samples: number
  readonly windowMs: number
}

interface Window {
  startMs: number
  lastMs: number
  sum: number
}

/**
 * Units a second over the last windows: Kafka's `Rate` over a `WindowedSum`, in the same arithmetic, since throttle
 * times follow from it. The windows before the first event count as empty, so a burst at the beginning is measured
 * over all of them.
 */
export class WindowedRate {
  readonly #windows: Window[] = []
  #current = 0

  record(value: number, nowMs: number, { samples, windowMs }: RateWindows): void {
    let window = this.#windows[this.#current]
    if (window === undefined) {
      window = { startMs: nowMs, lastMs: nowMs, sum: 0 }
      this.#windows.push(window)
    } else if (nowMs - window.startMs >= windowMs) {
      // One more than is counted: the oldest may overlap the time looked at.
      this.#current = (this.#current + 1) % (samples + 1)
      window = this.#windows[this.#current]
      if (window === undefined) {
        window = { startMs: nowMs, lastMs: nowMs, sum: 0 }
        this.#windows.push(window)
      } else reset(window, nowMs)
    }
    window.sum += value
    window.lastMs = nowMs
  }

  /** Units a second, over `spanMs`. */
  measure(nowMs: number, windows: RateWindows): { readonly rate: number; readonly spanMs: number } {
    this.#forgetOld(nowMs, windows)
    let sum = 0
    let oldestMs = nowMs
    for (const window of this.#windows) {
      sum += window.sum
      if (window.startMs < oldestMs) oldestMs = window.startMs
    }
    let spanMs = nowMs - oldestMs
    const full = Math.trunc(spanMs / windows.windowMs)
    if (full < windows.samples - 1) spanMs += (windows.samples - 1 - full) * windows.windowMs
    spanMs = Math.max(spanMs, 1)
    return { rate: (sum / spanMs) * 1000, spanMs }
  }

  #forgetOld(nowMs: number, { samples, windowMs }: RateWindows): void {
    for (const window of this.#windows) if (nowMs - window.lastMs >= samples * windowMs) reset(window, nowMs)
  }
}

function reset(window: Window, nowMs: number): void {
  window.startMs = nowMs
  window.lastMs = nowMs
  window.sum = 0
}
