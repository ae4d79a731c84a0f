import type { Clock } from './clock.ts'
import type { Steps } from './steps.ts'

/** After so long others get their turn. */
const SLICE_MS = 10

/** What counts the time that work costs the event loop. */
interface WorkTime {
  pause(): void
  resume(): void
}

/** When whoever runs one thing after the other last let others have their turn. */
export interface Turn {
  startMs: number
}

/**
 * Runs long work without holding up the event loop. What is done within one slice is done at once. What takes longer
 * is begun anew behind all other such work, so that memory holds the unfinished results of one at a time.
 */
export class Slices {
  readonly #clock: Clock
  #last: Promise<unknown> = Promise.resolve()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The turn of a request that begins now. */
  turn(): Turn {
    return { startMs: this.#clock.monotonicMs() }
  }

  /** A promise only where it takes longer than what is left of the slice. Throws and rejects as the work does. */
  run<T>(work: () => Steps<T>, turn: Turn, time?: WorkTime): T | Promise<T> {
    const steps = work()
    for (let next = steps.next(); ; next = steps.next()) {
      if (next.done) return next.value
      if (next.value !== undefined || this.#isOver(turn)) break
    }
    time?.pause()
    const result = this.#last.then(() => this.#runInSlices(work, turn, time))
    this.#last = result.catch(() => {})
    return result
  }

  async #runInSlices<T>(work: () => Steps<T>, turn: Turn, time: WorkTime | undefined): Promise<T> {
    await this.#next(turn)
    time?.resume()
    const steps = work()
    for (let next = steps.next(); ; next = steps.next()) {
      if (next.done) return next.value
      if (next.value === undefined && !this.#isOver(turn)) continue
      time?.pause()
      await next.value?.meanwhile()
      await this.#next(turn)
      time?.resume()
    }
  }

  #isOver({ startMs }: Turn): boolean {
    return this.#clock.monotonicMs() - startMs >= SLICE_MS
  }

  async #next(turn: Turn): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#clock.setTimer(0, resolve)
    })
    turn.startMs = this.#clock.monotonicMs()
  }
}
