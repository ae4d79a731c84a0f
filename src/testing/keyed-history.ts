import type { PartitionLog } from '../logstore/partition-log.ts'
import { compressionTypes } from '../wire/compression.ts'
import { encodeEndTxnMarkerBatch } from '../wire/control-records.ts'
import { encodeBatch, type RecordInput } from '../wire/records.ts'
import type { ManualClock } from './manual-clock.ts'
import type { SeededRandom } from './seeded-random.ts'

const IDEMPOTENT = [10, 11, 12]
const TRANSACTIONAL = [20, 21]
const KEYS = 14

/** A batch of a history, as it was appended. */
export interface HistoryBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly producerId: number
  readonly codec: number
  readonly isControl: boolean
  /** Of a control batch, whether it commits; of data whether it was committed in the end. */
  isCommitted: boolean
  readonly isTransactional: boolean
  readonly records: readonly HistoryRecord[]
}

export interface HistoryRecord {
  readonly offset: number
  readonly key: string
  readonly value: string | null
  readonly timestamp: number
}

/**
 * Appends keyed batches of all kinds to a log, by chance: several records or one, values and tombstones, every codec,
 * producers without an id, idempotent ones, and transactions that commit or abort.
 */
export class KeyedHistory {
  readonly batches: HistoryBatch[] = []
  readonly #random: SeededRandom
  readonly #clock: ManualClock
  readonly #sequences = new Map<number, number>()
  readonly #open = new Map<number, HistoryBatch[]>()

  constructor(random: SeededRandom, clock: ManualClock) {
    this.#random = random
    this.#clock = clock
  }

  append(log: PartitionLog): void {
    const random = this.#random
    this.#clock.advance(random.integer(0, 20))
    const [producerId] = this.#open.keys()
    if (producerId !== undefined && random.chance(0.3)) this.#end(log, producerId)
    else this.#data(log)
    log.updateHighWatermark(log.logEndOffset)
  }

  /** Ends the transactions that are open. */
  finish(log: PartitionLog): void {
    for (const producerId of [...this.#open.keys()]) this.#end(log, producerId)
    log.updateHighWatermark(log.logEndOffset)
  }

  #data(log: PartitionLog): void {
    const random = this.#random
    const kind = random.integer(0, 5)
    const producerId = kind < 3 ? -1 : random.pick(kind === 3 ? IDEMPOTENT : TRANSACTIONAL)
    const isTransactional = TRANSACTIONAL.includes(producerId)
    const baseSequence = producerId < 0 ? -1 : (this.#sequences.get(producerId) ?? 0)
    const compression = random.pick(compressionTypes)
    const now = this.#clock.now()
    const inputs: (RecordInput & { readonly key: Buffer; readonly value: Buffer | null })[] = []
    for (let count = random.chance(0.5) ? 1 : random.integer(2, 5); count > 0; count--) {
      const value = random.chance(0.2) ? null : Buffer.from(`${now}-${'v'.repeat(random.integer(0, 80))}`)
      const key = Buffer.from(`key-${random.integer(0, KEYS - 1)}`)
      inputs.push({ key, value, timestampDelta: random.integer(-3, 3) })
    }
    const bytes = encodeBatch({
      baseTimestamp: now,
      compression,
      producerId,
      producerEpoch: producerId < 0 ? -1 : 0,
      baseSequence,
      isTransactional,
      records: inputs,
    })
    const { firstOffset, lastOffset } = log.appendAsLeader(bytes, { leaderEpoch: 0, origin: 'client' })
    if (producerId >= 0) this.#sequences.set(producerId, baseSequence + inputs.length)
    const batch: HistoryBatch = {
      baseOffset: firstOffset,
      lastOffset,
      producerId,
      codec: compressionTypes.indexOf(compression),
      isControl: false,
      isCommitted: !isTransactional,
      isTransactional,
      records: inputs.map(({ key, value, timestampDelta = 0 }, index) => ({
        offset: firstOffset + index,
        key: String(key),
        value: value === null ? null : String(value),
        timestamp: now + timestampDelta,
      })),
    }
    this.batches.push(batch)
    if (!isTransactional) return
    const open = this.#open.get(producerId) ?? []
    open.push(batch)
    this.#open.set(producerId, open)
  }

  #end(log: PartitionLog, producerId: number): void {
    const commits = this.#random.chance(0.5)
    const bytes = encodeEndTxnMarkerBatch({
      marker: { type: commits ? 'COMMIT' : 'ABORT', coordinatorEpoch: 1 },
      producerId,
      producerEpoch: 0,
      timestamp: this.#clock.now(),
    })
    const { firstOffset } = log.appendAsLeader(bytes, { leaderEpoch: 0, origin: 'coordinator' })
    for (const batch of this.#open.get(producerId) ?? []) batch.isCommitted = commits
    this.#open.delete(producerId)
    this.batches.push({
      baseOffset: firstOffset,
      lastOffset: firstOffset,
      producerId,
      codec: 0,
      isControl: true,
      isCommitted: commits,
      isTransactional: true,
      records: [],
    })
  }
}

/** The last value of each key below `endOffset` that was not aborted; a tombstone takes its key away. */
export function tableOf(batches: readonly HistoryBatch[], endOffset: number): Map<string, string> {
  const table = new Map<string, string>()
  for (const { isCommitted, records } of batches) {
    for (const { offset, key, value } of isCommitted ? records : []) {
      if (offset >= endOffset) continue
      if (value === null) table.delete(key)
      else table.set(key, value)
    }
  }
  return table
}
