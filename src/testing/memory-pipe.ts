import type { Clock, Timer } from '../base/clock.ts'
import type { SeededRandom } from './seeded-random.ts'

/** How the bytes of one direction travel. */
export interface Travel {
  readonly minDelayMs: number
  readonly maxDelayMs: number
  /** Of a delivery to bring a part of what waits. */
  readonly splitChance: number
  /** Of a delivery to take seconds. */
  readonly stallChance: number
}

export interface PipeEnd {
  /** False when no more should come until `resume`. */
  deliver(bytes: Buffer): boolean
  deliverEnd(): void
  reset(): void
}

/** As much as the kernels of both sides hold for a connection. */
const WINDOW_BYTES = 64 * 1024
const STALL_MS = 3000

/** One direction of a connection: what is sent arrives in order, in parts of any size, after any time. */
export class MemoryPipe {
  readonly #clock: Clock
  readonly #random: SeededRandom
  readonly #travel: Travel
  /** Undefined once nobody is there to be told. */
  #target: PipeEnd | undefined
  #chunks: Buffer[] = []
  #bytes = 0
  #taken: (() => void) | undefined
  #delivery: Timer | undefined
  #isBlocked = false
  #last: 'end' | 'reset' | undefined

  constructor(clock: Clock, random: SeededRandom, travel: Travel) {
    this.#clock = clock
    this.#random = random
    this.#travel = travel
  }

  connect(target: PipeEnd): void {
    this.#target = target
  }

  send(bytes: Buffer, taken: () => void): void {
    if (this.#target === undefined || this.#last !== undefined) {
      taken()
      return
    }
    this.#chunks.push(bytes)
    this.#bytes += bytes.length
    if (this.#bytes <= WINDOW_BYTES) taken()
    else this.#taken = taken
    this.#deliverLater()
  }

  /** After all that was sent, the target learns of the end. */
  end(): void {
    this.#last ??= 'end'
    this.#deliverLater()
  }

  /** The target learns that the connection is gone, after what was sent or, where `lose`, instead. */
  reset(lose: boolean): void {
    if (lose) this.#drop()
    this.#last = 'reset'
    this.#isBlocked = false
    this.#deliverLater()
  }

  /** Nothing arrives any more. */
  close(): void {
    this.#target = undefined
    this.#delivery?.cancel()
    this.#drop()
  }

  resume(): void {
    this.#isBlocked = false
    this.#deliverLater()
  }

  #drop(): void {
    this.#chunks = []
    this.#bytes = 0
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }

  #deliverLater(): void {
    if (this.#delivery !== undefined || this.#isBlocked || this.#target === undefined) return
    if (this.#bytes === 0 && this.#last === undefined) return
    const { minDelayMs, maxDelayMs, stallChance } = this.#travel
    const delayMs = this.#random.chance(stallChance)
      ? STALL_MS * this.#random.float()
      : minDelayMs + (maxDelayMs - minDelayMs) * this.#random.float()
    this.#delivery = this.#clock.setTimer(delayMs, () => {
      this.#delivery = undefined
      this.#deliver()
    })
  }

  #deliver(): void {
    const target = this.#target
    if (target === undefined) return
    if (this.#bytes === 0) {
      this.#target = undefined
      if (this.#last === 'reset') target.reset()
      else target.deliverEnd()
      return
    }
    this.#isBlocked = !target.deliver(this.#take())
    const taken = this.#taken
    if (taken !== undefined && this.#bytes <= WINDOW_BYTES) {
      this.#taken = undefined
      taken()
    }
    this.#deliverLater()
  }

  #take(): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    const count = this.#random.chance(this.#travel.splitChance)
      ? this.#random.integer(1, all.length)
      : all.length
    this.#chunks = count < all.length ? [all.subarray(count)] : []
    this.#bytes -= count
    return all.subarray(0, count)
  }
}
