import { ManualClock } from '../manual-clock.ts'
import { SeededRandom } from '../seeded-random.ts'
import { Trace } from './trace.ts'

/** A promise of the broker that was not kept. */
export class Violation extends Error {
  override name = 'Violation'
}

/** A run takes some thousands: one that goes on for so many waits for what never comes. */
const MOST_TURNS = 200_000

/** Time, chance and the record of what happened: all that a run is made of follows from the seed. */
export class World {
  readonly seed: number
  readonly clock = new ManualClock()
  readonly random: SeededRandom
  readonly trace: Trace
  /** Timers that have fired. */
  turns = 0
  #ticks = 0
  #latestMs = 0
  #violation: Violation | undefined

  constructor(seed: number, keptLines: number) {
    this.seed = seed
    this.random = new SeededRandom(seed)
    this.trace = new Trace(() => this.clock.monotonicMs(), keptLines)
  }

  /** The first promise that was broken. */
  get violation(): Violation | undefined {
    return this.#violation
  }

  /** Larger than all that it gave before. */
  tick(): number {
    return this.#ticks++
  }

  /** The latest that the wall clock has been. */
  latestMs(): number {
    this.#latestMs = Math.max(this.#latestMs, this.clock.now())
    return this.#latestMs
  }

  jumpClock(ms: number): void {
    this.latestMs()
    this.clock.jumpTo(this.clock.now() + ms)
  }

  note(who: string, what: string): void {
    this.trace.note(who, what)
  }

  violated(what: string): void {
    this.note('VIOLATION', what)
    this.#violation ??= new Violation(what)
  }

  check(condition: boolean, what: () => string): void {
    if (!condition) this.violated(what())
  }

  async sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.clock.setTimer(ms, resolve)
    await promise
  }

  /**
   * Lets time pass, one timer after the other, until `done` has settled. What is due is run to its end before the next
   * timer: nothing else ever makes the process do anything.
   */
  async run<T>(done: Promise<T>): Promise<T> {
    let isDone = false
    const settled = () => {
      isDone = true
    }
    done.then(settled, settled)
    for (;;) {
      await everythingElse()
      if (isDone || this.#violation !== undefined) break
      if (++this.turns > MOST_TURNS) {
        this.violated(`the run is not over after ${MOST_TURNS} timers`)
        break
      }
      if (!this.clock.fireNext()) {
        this.violated('nothing is due any more, and the run is not over')
        break
      }
    }
    if (this.#violation !== undefined) throw this.#violation
    return done
  }
}

/** Resolves when nothing more happens by itself: promises and ticks come before the next immediate. */
function everythingElse(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
