/** Histories of transactions over one partition: interleaved, committed, aborted, left open, with plain batches between. */
import type { SeededRandom } from '../../src/testing/seeded-random.ts'
import { compressionTypes } from '../../src/wire/compression.ts'
import type { BatchInput, RecordInput } from '../../src/wire/records.ts'

export interface TransactionalHistoryOptions {
  readonly keys: number
  readonly producers: number
  readonly steps: number
  readonly tombstones: number
  readonly commits: number
}

export type Step =
  /** `producer` is undefined for a batch outside of any transaction. */
  | { readonly kind: 'batch'; readonly producer: number | undefined; readonly batch: BatchInput }
  | { readonly kind: 'end'; readonly producer: number; readonly result: 'commit' | 'abort' }

/** Every other producer speaks version 2 of the protocol, in which each end bumps the epoch. */
export const bumpsEpoch = (producer: number): boolean => producer % 2 === 1

const MAX_STEP_MS = 50
const MAX_VALUE_BYTES = 20_000
/** Two of them don't fit into a segment. */
const FILLER_BYTES = 700_000
/** That is left open at the end of a round. */
const OPEN_PRODUCER = 0

export class TransactionalPlan {
  readonly #random: SeededRandom
  readonly #options: TransactionalHistoryOptions
  readonly #epochs = new Map<number, number>()
  readonly #sequences = new Map<number, number>()
  readonly #open = new Set<number>()
  #timestampMs: number

  constructor(random: SeededRandom, options: TransactionalHistoryOptions, fromMs: number) {
    this.#random = random
    this.#options = options
    this.#timestampMs = fromMs
  }

  /** Ends with a batch that begins a segment. With `leavesOpen`, one transaction goes on in the next round. */
  round(leavesOpen: boolean): Step[] {
    const random = this.#random
    const { steps: count, producers } = this.#options
    const steps: Step[] = []
    for (const producer of [...this.#open]) steps.push(this.#end(producer))
    const isHeldFrom = leavesOpen ? Math.floor(count / 2) : count
    for (let step = 0; step < count; step++) {
      const producer = step === isHeldFrom ? OPEN_PRODUCER : random.integer(0, producers - 1)
      // Only whole segments are cleaned: there is one behind which the transaction begins that stays open.
      if (step === isHeldFrom) steps.push(...this.#endOf(OPEN_PRODUCER), this.#filler(), this.#filler())
      const isHeld = step >= isHeldFrom && producer === OPEN_PRODUCER
      if (random.chance(0.3) && step !== isHeldFrom) steps.push(this.#batch(undefined))
      else if (!isHeld && this.#open.has(producer) && random.chance(0.4)) steps.push(this.#end(producer))
      else steps.push(this.#batch(producer))
    }
    for (const producer of [...this.#open])
      if (!leavesOpen || producer !== OPEN_PRODUCER) steps.push(this.#end(producer))
    return [...steps, this.#filler(), this.#filler()]
  }

  #endOf(producer: number): Step[] {
    return this.#open.has(producer) ? [this.#end(producer)] : []
  }

  #end(producer: number): Step {
    this.#open.delete(producer)
    if (bumpsEpoch(producer)) {
      this.#epochs.set(producer, (this.#epochs.get(producer) ?? 0) + 1)
      this.#sequences.delete(producer)
    }
    const result = this.#random.chance(this.#options.commits) ? 'commit' : 'abort'
    return { kind: 'end', producer, result }
  }

  #batch(producer: number | undefined): Step {
    const random = this.#random
    const { keys, tombstones } = this.#options
    this.#timestampMs += random.integer(0, MAX_STEP_MS)
    const records: RecordInput[] = []
    for (let count = random.integer(1, 3); count > 0; count--) {
      const text = `${this.#timestampMs} ${random.uint32()}`.padEnd(random.integer(0, MAX_VALUE_BYTES), '.')
      records.push({
        key: Buffer.from(`key-${random.integer(0, keys - 1)}`),
        value: random.chance(tombstones) ? null : Buffer.from(text),
        timestampDelta: random.integer(0, 200),
      })
    }
    const batch = { baseTimestamp: this.#timestampMs, compression: random.pick(compressionTypes), records }
    if (producer === undefined) return { kind: 'batch', producer, batch }
    this.#open.add(producer)
    const baseSequence = this.#sequences.get(producer) ?? 0
    this.#sequences.set(producer, baseSequence + records.length)
    const producerEpoch = this.#epochs.get(producer) ?? 0
    return {
      kind: 'batch',
      producer,
      batch: { ...batch, producerEpoch, baseSequence, isTransactional: true },
    }
  }

  #filler(): Step {
    const records = [{ key: Buffer.from('filler'), value: Buffer.alloc(FILLER_BYTES, '.') }]
    return {
      kind: 'batch',
      producer: undefined,
      batch: { baseTimestamp: this.#timestampMs, compression: 'none', records },
    }
  }
}
