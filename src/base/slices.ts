import type { Clock } from './clock.ts'
import type { Steps } from './steps.ts'

/** After so long others get their turn. */
const SLICE_MS = 10
/** What a request that begins has of it while others wait: as many as come together would have a slice each. */
const FIRST_SLICE_MS = 1

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
  /** Who waits for a turn; the event loop gives one in each of its rounds. */
  readonly #waiting: (() => void)[] = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The turn of a request that begins now. */
  turn(): Turn {
    const nowMs = this.#clock.monotonicMs()
    return { startMs: this.#waiting.length === 0 ? nowMs : nowMs - (SLICE_MS - FIRST_SLICE_MS) }
  }

  /** A promise only where it takes longer than what is left of the slice. Throws and rejects as the work does. */
  run<T>(work: () => Steps<T>, turn: Turn, time?: WorkTime): T | Promise<T> {
    const steps = work()
    for (let next = steps.next(); ; next = steps.next()) {
      if (next.done) return next.value
      if (next.value !== undefined || this.isOver(turn)) break
    }
    time?.pause()
    const result = this.#last.then(() => this.#runInSlices(work, turn, time))
    this.#last = result.catch(() => {})
    return result
  }

  /**
   * What `each` makes of the items, in their order: those that fit into the slice at once, the others in turns. What
   * it gives may be promises, which are waited for together. Other requests come in between, so that it finds things
   * as they are at its turn.
   */
  async map<T, R>(
    items: readonly T[],
    each: (item: T, index: number) => R | Promise<R>,
    turn: Turn,
    time?: WorkTime,
  ): Promise<R[]> {
    const results: (R | Promise<R>)[] = []
    let promised = false
    for (let index = 0; index < items.length; index++) {
      const result = each(items[index]!, index)
      if (result instanceof Promise) {
        promised = true
        // Whoever waits for all of them is told; until then nobody listens.
        result.catch(() => {})
      }
      results.push(result)
      if (this.isOver(turn)) await this.pause(turn, time)
    }
    // None of them is a promise where none was seen.
    return promised ? Promise.all(results) : (results as R[])
  }

  /** Lets others have their turn; for loops that are no map. */
  async pause(turn: Turn, time?: WorkTime): Promise<undefined> {
    time?.pause()
    await this.#next(turn)
    time?.resume()
  }

  async #runInSlices<T>(work: () => Steps<T>, turn: Turn, time: WorkTime | undefined): Promise<T> {
    await this.#next(turn)
    time?.resume()
    const steps = work()
    for (let next = steps.next(); ; next = steps.next()) {
      if (next.done) return next.value
      if (next.value === undefined && !this.isOver(turn)) continue
      time?.pause()
      await next.value?.meanwhile()
      await this.#next(turn)
      time?.resume()
    }
  }

  /** Whether others should have their turn now. */
  isOver({ startMs }: Turn): boolean {
    return this.#clock.monotonicMs() - startMs >= SLICE_MS
  }

  /** Resolves when it is the turn of whoever asks now. */
  nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === 1) this.#giveTurn()
    })
  }

  async #next(turn: Turn): Promise<void> {
    await this.nextTurn()
    turn.startMs = this.#clock.monotonicMs()
  }

  /** One at a time, however many wait: all of their slices together are no slice any more. */
  #giveTurn(): void {
    this.#clock.setTimer(0, () => {
      this.#waiting.shift()!()
      if (this.#waiting.length > 0) this.#giveTurn()
    })
  }
}
