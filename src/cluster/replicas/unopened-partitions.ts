/**
 * Partitions that a broker holds and whose logs are not open yet: after a start, and after a commit that makes many. They
 * are opened in slices between other work, those that somebody asks for first.
 */
import type { Clock, Timer } from '../../base/clock.ts'
import { runAtOnce, type Steps } from '../../base/steps.ts'

/** After so long others get their turn. */
export const SLICE_MS = 10

export interface UnopenedPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** Made just now: there is no log of it. */
  readonly isNew: boolean
}

interface Entry {
  readonly unopened: UnopenedPartition
  /** Begun, and not ended. */
  opening?: Steps<void>
}

export interface UnopenedPartitionsOptions {
  readonly clock: Clock
  /** Opens one; must not throw. */
  readonly open: (unopened: UnopenedPartition) => Steps<void>
  /** After each slice. */
  readonly turnEnded: () => void
}

export class UnopenedPartitions {
  readonly #options: UnopenedPartitionsOptions
  /** By `topic-partition`. */
  readonly #entries = new Map<string, Entry>()
  /** Those that somebody waits for, in the order in which they were asked for. */
  readonly #asked = new Set<string>()
  #slice: Timer | undefined
  #none: PromiseWithResolvers<void> | undefined

  constructor(options: UnopenedPartitionsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#entries.size
  }

  has(topic: string, partition: number): boolean {
    return this.#entries.has(`${topic}-${partition}`)
  }

  /** `openLater` has to follow. */
  add(unopened: UnopenedPartition): void {
    this.#entries.set(`${unopened.topic}-${unopened.partition}`, { unopened })
  }

  /** Resolves when there are none. */
  none(): Promise<void> {
    if (this.#entries.size === 0) return Promise.resolve()
    this.#none ??= Promise.withResolvers()
    return this.#none.promise
  }

  /**
   * Opens it, where that takes no longer than a slice; otherwise it is opened before all that were not asked for. True
   * where it is not among them any more.
   */
  openAsked(topic: string, partition: number): boolean {
    if (this.#entries.size === 0) return false
    const name = `${topic}-${partition}`
    const entry = this.#entries.get(name)
    if (entry === undefined || this.#asked.has(name)) return false
    if (this.#run(name, entry, this.#options.clock.monotonicMs() + SLICE_MS)) return true
    this.#asked.add(name)
    return false
  }

  openAtOnce(topic: string, partition: number): void {
    const name = `${topic}-${partition}`
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    runAtOnce(this.#opening(entry))
    this.#forget(name)
  }

  /** In slices from the next turn on. */
  openLater(): void {
    if (this.#entries.size === 0 || this.#slice !== undefined) return
    const { clock, turnEnded } = this.#options
    this.#slice = clock.setTimer(0, () => {
      this.#slice = undefined
      const untilMs = clock.monotonicMs() + SLICE_MS
      for (let next = this.#next(); next !== undefined; next = this.#next()) {
        if (!this.#run(...next, untilMs) || clock.monotonicMs() >= untilMs) break
      }
      turnEnded()
      this.openLater()
    })
  }

  /** Takes those away, what has been begun of them as well. */
  giveUp(which: (unopened: UnopenedPartition) => boolean): UnopenedPartition[] {
    const given: UnopenedPartition[] = []
    for (const [name, { unopened, opening }] of this.#entries) {
      if (!which(unopened)) continue
      opening?.return()
      this.#forget(name)
      given.push(unopened)
    }
    return given
  }

  close(): void {
    this.#slice?.cancel()
    this.giveUp(() => true)
  }

  #next(): [string, Entry] | undefined {
    const [asked] = this.#asked
    if (asked !== undefined) return [asked, this.#entries.get(asked)!]
    const [first] = this.#entries
    return first
  }

  /** Whether it has been opened by then. */
  #run(name: string, entry: Entry, untilMs: number): boolean {
    const { clock } = this.#options
    const opening = this.#opening(entry)
    for (let step = opening.next(); !step.done; step = opening.next()) {
      step.value?.atOnce()
      if (clock.monotonicMs() >= untilMs) return false
    }
    this.#forget(name)
    return true
  }

  #opening(entry: Entry): Steps<void> {
    entry.opening ??= this.#options.open(entry.unopened)
    return entry.opening
  }

  #forget(name: string): void {
    this.#entries.delete(name)
    this.#asked.delete(name)
    if (this.#entries.size > 0) return
    this.#none?.resolve()
    this.#none = undefined
  }
}
