import type { World } from './world.ts'

interface Held {
  readonly holder: string
  /** By the holder's own clock; without a word from the broker until then it lets go. */
  readonly until: () => number
}

/** Who of a group holds which partitions: at no moment two members the same. */
export class Ownership {
  readonly #world: World
  readonly #held = new Map<string, Held>()

  constructor(world: World) {
    this.#world = world
  }

  /** The broker told `holder` that the partition is its own. */
  taken(partition: string, holder: string, until: () => number): void {
    const other = this.#held.get(partition)
    this.#world.check(
      other === undefined || other.holder === holder || other.until() < this.#world.clock.monotonicMs(),
      () => `${partition} is given to ${holder}, and ${other?.holder} holds it`,
    )
    this.#held.set(partition, { holder, until })
  }

  released(partition: string, holder: string): void {
    if (this.#held.get(partition)?.holder === holder) this.#held.delete(partition)
  }

  /** A power cut may have taken the group from the broker's memory. */
  lost(): void {
    this.#held.clear()
  }
}
