import { describe, expect, it } from 'vitest'
import { compactionFixture, type StoredBatch, storedBatches } from '../../testing/compaction-fixture.ts'
import { type HistoryBatch, KeyedHistory } from '../../testing/keyed-history.ts'
import { START_MS } from '../../testing/log-fixture.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { SeededRandom } from '../../testing/seeded-random.ts'
import { MemoryFileSystem } from '../memory-fs.ts'
import type { PartitionLog } from '../partition-log.ts'
import { cleanableOf } from './cleanable.ts'

const DELETE_RETENTION_MS = 500

/** What Kafka's rules say of the log, batch by batch, in the plainest words. */
class Model {
  #batches: { readonly batch: HistoryBatch; offsets: Set<number>; horizonMs: number | undefined }[] = []

  add(batch: HistoryBatch): void {
    const offsets = batch.isControl ? [batch.baseOffset] : batch.records.map(({ offset }) => offset)
    this.#batches.push({ batch, offsets: new Set(offsets), horizonMs: undefined })
  }

  dropBelow(logStartOffset: number): void {
    this.#batches = this.#batches.filter(({ batch }) => batch.baseOffset >= logStartOffset)
  }

  clean(dirtyFrom: number, endOffset: number, nowMs: number, log: PartitionLog): void {
    const latest = new Map<string, number>()
    for (const { batch, offsets } of this.#batches) {
      if (batch.baseOffset < dirtyFrom || batch.baseOffset >= endOffset || !batch.isCommitted) continue
      for (const { key, offset } of batch.records) if (offsets.has(offset)) latest.set(key, offset)
    }
    /** Producers with a transaction that still has batches. */
    const withBatches = new Set<number>()
    this.#batches = this.#batches.filter((entry) => {
      const { batch, offsets } = entry
      const { producerId } = batch
      if (batch.baseOffset >= endOffset) return true
      let setsHorizon = false
      if (batch.isControl) {
        const isOfNothing = !withBatches.delete(producerId)
        if (isOfNothing && entry.horizonMs !== undefined && entry.horizonMs <= nowMs) offsets.clear()
        setsHorizon = isOfNothing && offsets.size > 0
      } else {
        if (batch.isTransactional) withBatches.add(producerId)
        for (const { key, value, offset } of batch.records) {
          const isLatest = batch.isCommitted && offset >= (latest.get(key) ?? -1)
          const stays = value !== null || entry.horizonMs === undefined || nowMs < entry.horizonMs
          if (!isLatest || !stays) offsets.delete(offset)
          else if (offsets.has(offset) && value === null) setsHorizon = true
        }
      }
      if (offsets.size > 0) {
        if (setsHorizon) entry.horizonMs ??= nowMs + DELETE_RETENTION_MS
        return true
      }
      entry.horizonMs = undefined
      const last = log.producers.entries.get(producerId)?.lastDataOffset
      return batch.lastOffset === last || batch.lastOffset + 1 === endOffset
    })
  }

  expected(): unknown[] {
    return this.#batches.map(({ batch, offsets, horizonMs }) => ({
      baseOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      producerId: batch.producerId,
      codec: offsets.size === 0 ? 0 : batch.codec,
      deleteHorizonMs: horizonMs,
      records: batch.isControl ? offsets.size : batch.records.filter(({ offset }) => offsets.has(offset)),
    }))
  }
}

function found(batches: readonly StoredBatch[]): unknown[] {
  return batches.map((batch) => ({
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    producerId: batch.producerId,
    codec: batch.codec,
    deleteHorizonMs: batch.deleteHorizonMs,
    records: batch.isControl
      ? batch.records.length
      : batch.records.map(({ offset, key, value, timestamp }) => ({
          offset,
          key: String(key),
          value: value === null ? null : String(value),
          timestamp,
        })),
  }))
}

describe('a history of keyed records, cleaned again and again', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'holds what the rules keep, at the offsets that it had (seed %i)',
    async (seed) => {
      const random = new SeededRandom(seed)
      const clock = new ManualClock(START_MS)
      const fs = new MemoryFileSystem(clock)
      const withRetention = seed % 4 === 3
      const fixture = compactionFixture(fs, clock, {
        deleteRetentionMs: DELETE_RETENTION_MS,
        segmentBytes: random.integer(600, 3000),
        ...(withRetention && { cleanupPolicy: ['compact', 'delete'], retentionMs: 250 }),
      })
      const { log, cleaner, runner, directory } = fixture
      const history = new KeyedHistory(random.fork(), clock)
      const model = new Model()
      let modelled = 0
      let cleanings = 0
      for (let step = 0; step < 250; step++) {
        history.append(log)
        if (!random.chance(0.08)) continue
        for (; modelled < history.batches.length; modelled++) model.add(history.batches[modelled]!)
        const cleanable = cleanableOf(log, directory.cleanerCheckpoint.get('t-0'), clock.now())
        if (await cleaner.cleanOnce(runner)) {
          model.clean(cleanable.firstDirtyOffset, cleanable.firstUncleanableOffset, clock.now(), log)
          cleanings++
        }
        model.dropBelow(log.logStartOffset)
        expect(found(await storedBatches(log))).toEqual(model.expected())
      }
      expect(cleanings).toBeGreaterThan(5)
      expect(cleaner.status().uncleanablePartitions).toBe(0)
      if (withRetention) expect(log.logStartOffset).toBeGreaterThan(0)

      // A start after a kill finds the same, and the same producers.
      const before = found(await storedBatches(log))
      const producers = (of: PartitionLog) =>
        [...of.producers.entries].map(([id, entry]) => [id, entry.lastSequence, entry.lastDataOffset])
      const known = producers(log)
      fs.kill()
      const again = compactionFixture(fs, clock)
      expect(found(await storedBatches(again.log))).toEqual(before)
      expect(producers(again.log)).toEqual(known)
      expect(again.log.abortedTransactions(0, again.log.logEndOffset)).toEqual(
        log.abortedTransactions(0, log.logEndOffset),
      )
    },
  )
})
