import { describe, expect, it } from 'vitest'
import { compactionFixture, storedBatches } from '../../testing/compaction-fixture.ts'
import { faultStride } from '../../testing/depth.ts'
import { type HistoryBatch, KeyedHistory, tableOf } from '../../testing/keyed-history.ts'
import { START_MS } from '../../testing/log-fixture.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { SeededRandom } from '../../testing/seeded-random.ts'
import { CHANGING_OPERATIONS, FaultyFileSystem } from '../faulty-fs.ts'
import type { FileSystem } from '../file-system.ts'
import type { LogConfig } from '../log-config.ts'
import { MemoryFileSystem } from '../memory-fs.ts'
import type { PartitionLog } from '../partition-log.ts'

const config: Partial<LogConfig> = { segmentBytes: 900, deleteRetentionMs: 60 }

interface Known {
  batches: readonly HistoryBatch[]
  flushed: number
}

/** Appends and cleans until the disk says no. */
async function run(fs: FileSystem, clock: ManualClock, known: Known, seed: number): Promise<void> {
  const random = new SeededRandom(seed)
  const { log, clean, directory, cleaner } = compactionFixture(fs, clock, config)
  const history = new KeyedHistory(random.fork(), clock)
  known.batches = history.batches
  for (let step = 0; step < 40; step++) {
    history.append(log)
    if (!random.chance(0.1)) continue
    await clean()
    // The disk's failure is told by the log that it takes offline, or by the cleaning that it ends.
    if (cleaner.status().uncleanablePartitions > 0) throw new Error('uncleanable')
    known.flushed = log.recoveryPoint
  }
  history.finish(log)
  await directory.close()
}

/** The last value of each key, as a reader of the whole log sees it who passes over what was aborted. */
async function tableIn(log: PartitionLog): Promise<Map<string, string>> {
  const aborted = log.abortedTransactions(0, log.logEndOffset)
  const table = new Map<string, string>()
  for (const { producerId, isControl, records } of await storedBatches(log)) {
    if (isControl) continue
    for (const { offset, key, value } of records) {
      const isAborted = aborted.some(
        (one) => one.producerId === producerId && one.firstOffset <= offset && offset < one.lastOffset,
      )
      if (isAborted) continue
      if (value === null) table.delete(String(key))
      else table.set(String(key), String(value))
    }
  }
  return table
}

async function checkRestart(fs: FileSystem, clock: ManualClock, known: Known, all: boolean): Promise<void> {
  const appended = new Map<number, string>()
  for (const { records } of known.batches)
    for (const { offset, key, value } of records) appended.set(offset, `${key}=${value}`)
  const { log, clean, cleaner, directory } = compactionFixture(fs, clock, config)
  const least = all ? (known.batches.at(-1)?.lastOffset ?? -1) + 1 : known.flushed
  expect(log.logEndOffset).toBeGreaterThanOrEqual(least)
  log.updateHighWatermark(log.logEndOffset)
  // Transactions that the crash left open are aborted, as their coordinator would.
  const open = new Set<number>()
  for (const [producerId, { currentTxnFirstOffset }] of log.producers.entries)
    if (currentTxnFirstOffset !== undefined) open.add(producerId)
  const decided = (batch: HistoryBatch) => !open.has(batch.producerId) || batch.isControl
  const endOffset = log.logEndOffset
  // What an open transaction has written, or what was not flushed, may or may not be there.
  const undecided = new Set(
    known.batches
      .filter((batch) => !decided(batch) || batch.lastOffset >= least)
      .flatMap(({ records }) => records.map(({ key }) => key)),
  )
  const isDecided = ([key]: readonly [string, string]) => !undecided.has(key)
  const expected = [...tableOf(known.batches.filter(decided), endOffset)].filter(isDecided).sort()
  const check = async () => {
    const wrong: unknown[] = []
    let last = -1
    for (const { baseOffset, lastOffset, isControl, records } of await storedBatches(log)) {
      if (baseOffset <= last) wrong.push(`${baseOffset} after ${last}`)
      last = lastOffset
      for (const { offset, key, value } of isControl ? [] : records)
        if (`${key}=${value}` !== appended.get(offset)) wrong.push(offset)
    }
    expect(wrong).toEqual([])
    expect([...(await tableIn(log))].filter(isDecided).sort()).toEqual(expected)
  }
  await check()
  const names = fs.readDirectory('/data/t-0')
  expect(names.filter((name) => /\.(cleaned|swap)$/.test(name))).toEqual([])
  await clean()
  expect(cleaner.status().uncleanablePartitions).toBe(0)
  await check()
  await directory.close()
}

async function runUntil(after: number, seed: number) {
  const clock = new ManualClock(START_MS)
  const memory = new MemoryFileSystem(clock)
  const fs = new FaultyFileSystem(memory)
  const known: Known = { batches: [], flushed: 0 }
  const fault = fs.inject({ operations: CHANGING_OPERATIONS, after, code: 'EIO', partialBytes: after % 40 })
  await run(fs, clock, known, seed).catch(() => {})
  return { memory, clock, known, calls: fault.calls }
}

async function countOperations(seed: number): Promise<number> {
  const { calls } = await runUntil(Number.POSITIVE_INFINITY, seed)
  return calls
}

describe('a broker that ends after any change that a cleaning makes to the disk', () => {
  it('by a kill has the last value of every key, and cleans on', async () => {
    const total = await countOperations(1)
    expect(total).toBeGreaterThan(150)
    for (let after = 0; after < total; after += 3 * faultStride) {
      const { memory, clock, known } = await runUntil(after, 1)
      memory.kill()
      await checkRestart(memory, clock, known, true)
    }
  })

  it('by a power cut that takes all that was not synced has the last value of every key that was flushed', async () => {
    const total = await countOperations(2)
    for (let after = 1; after < total; after += 3 * faultStride) {
      const { memory, clock, known } = await runUntil(after, 2)
      memory.crash()
      await checkRestart(memory, clock, known, false)
    }
  })

  it.each([3, 4])('by a power cut that leaves any part of the rest has them too (seed %i)', async (seed) => {
    const total = await countOperations(seed)
    for (let after = 0; after < total; after += 3 * faultStride) {
      const { memory, clock, known } = await runUntil(after, seed)
      memory.crash(new SeededRandom(after))
      await checkRestart(memory, clock, known, false)
    }
  })
})
