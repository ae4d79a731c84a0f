import type { World } from './world.ts'

interface Write {
  readonly value: string
  readonly sentAt: number
  /** Infinite until it is acknowledged. */
  ackedAt: number
}

/** What is read before anything was written. */
export const NOTHING = '<nothing>'

/**
 * One value that clients write and read: an answer may only tell what could have been written last when the broker gave
 * it. Nobody knows of a write without an answer whether or when it happened; of one that was acknowledged everybody does.
 */
export class Register {
  readonly #world: World
  readonly #name: string
  #writes: Write[] = [{ value: NOTHING, sentAt: -1, ackedAt: -1 }]

  constructor(world: World, name: string) {
    this.#world = world
    this.#name = name
  }

  /** About to be sent; values differ from each other. */
  write(value: string): { acknowledged(): void; refused(): void } {
    const write: Write = { value, sentAt: this.#world.tick(), ackedAt: Number.POSITIVE_INFINITY }
    this.#writes.push(write)
    return {
      acknowledged: () => {
        write.ackedAt = this.#world.tick()
      },
      refused: () => {
        this.#writes = this.#writes.filter((each) => each !== write)
      },
    }
  }

  /** The answer to what was asked at `askedAt`. */
  read(value: string, askedAt: number): void {
    const found = this.#writes.find((write) => write.value === value)
    if (found === undefined) {
      this.#world.violated(`${this.#name} is ${value}, which nobody wrote`)
      return
    }
    const newer = this.#writes.find(({ sentAt, ackedAt }) => sentAt > found.ackedAt && ackedAt < askedAt)
    this.#world.check(
      newer === undefined,
      () => `${this.#name} is ${value}, and ${newer?.value} was acknowledged after that`,
    )
  }

  /** A power cut may have taken anything back. */
  lost(): void {
    for (const write of this.#writes) write.ackedAt = Number.POSITIVE_INFINITY
  }
}
