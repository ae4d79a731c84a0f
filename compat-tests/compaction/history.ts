/** Histories of keyed records, the same for every broker but for the producer ids, which each broker gives out itself. */
import type { SeededRandom } from '../../src/testing/seeded-random.ts'
import { compressionTypes } from '../../src/wire/compression.ts'
import { type BatchInput, encodeBatch, type RecordInput } from '../../src/wire/records.ts'

export interface HistoryOptions {
  readonly keys: number
  /** Idempotent producers, beside those without an id. */
  readonly producers: number
  readonly batches: number
  readonly tombstones: number
  readonly valueBytes: number
}

/** Which of the idempotent producers sends it; undefined for one without an id. */
export interface PlannedBatch extends BatchInput {
  readonly producer: number | undefined
}

/** Longest time between two batches. */
const MAX_STEP_MS = 500

export class HistoryPlan {
  readonly #random: SeededRandom
  readonly #options: HistoryOptions
  readonly #sequences = new Map<number, number>()
  timestampMs: number

  constructor(random: SeededRandom, options: HistoryOptions, fromMs: number) {
    this.#random = random
    this.#options = options
    this.timestampMs = fromMs
  }

  /** Some batches, and one more so much later that it begins a segment. */
  round(): PlannedBatch[] {
    const batches = Array.from({ length: this.#options.batches }, () => this.#batch())
    this.timestampMs += 600_000
    return [...batches, this.#batch()]
  }

  #batch(): PlannedBatch {
    const random = this.#random
    const { keys, producers, tombstones, valueBytes } = this.#options
    this.timestampMs += random.integer(0, MAX_STEP_MS)
    const records: RecordInput[] = []
    for (let count = random.chance(0.5) ? 1 : random.integer(2, 5); count > 0; count--) {
      const isTombstone = random.chance(tombstones)
      const text = `${this.timestampMs} ${random.uint32()}`.padEnd(random.integer(0, valueBytes), '.')
      records.push({
        key: Buffer.from(`key-${random.integer(0, keys - 1)}`),
        value: isTombstone ? null : Buffer.from(text),
        timestampDelta: random.integer(-200, 200),
        ...(random.chance(0.1) && { headers: [{ key: 'h', value: Buffer.from(text.slice(0, 9)) }] }),
      })
    }
    const producer = producers > 0 && random.chance(0.7) ? random.integer(0, producers - 1) : undefined
    const baseSequence = producer === undefined ? -1 : (this.#sequences.get(producer) ?? 0)
    if (producer !== undefined) this.#sequences.set(producer, baseSequence + records.length)
    return {
      producer,
      baseSequence,
      baseTimestamp: this.timestampMs,
      compression: random.pick(compressionTypes),
      records,
    }
  }
}

export function encodePlanned({ producer, ...batch }: PlannedBatch, producerIds: readonly number[]): Buffer {
  if (producer === undefined) return encodeBatch(batch)
  const producerId = producerIds[producer]
  if (producerId === undefined) throw new Error(`no producer ${producer}`)
  return encodeBatch({ ...batch, producerId, producerEpoch: 0 })
}
