import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BufferPool } from '../base/buffer-pool.ts'
import { setBatchBaseOffset } from '../wire/batch.ts'
import { encodeBatch } from '../wire/records.ts'
import { TailCache, TailCacheBudget } from './tail-cache.ts'

/** A batch of `count` records, of about `bytes` bytes, at its offset. */
function batchAt(baseOffset: number, count: number, bytes: number): Buffer {
  const value = Buffer.alloc(Math.max(0, Math.ceil(bytes / count) - 10), baseOffset)
  const batch = encodeBatch({ baseTimestamp: 0, records: Array.from({ length: count }, () => ({ value })) })
  setBatchBaseOffset(batch, 0, baseOffset)
  return batch
}

/** A cache and, beside it, a list of what it holds if it forgets nothing. */
class Pair {
  readonly cache: TailCache
  batches: { base: number; next: number; bytes: Buffer }[] = []
  end = 0
  constructor(budget: TailCacheBudget) {
    this.cache = new TailCache(budget)
  }

  add(count: number, bytes: number, gap = 0): void {
    const base = this.end + gap
    const batch = batchAt(base, count, bytes)
    this.end = base + count
    const sent = Buffer.from(batch)
    this.cache.add(base, this.end, sent)
    // Whoever appended it uses the memory again.
    sent.fill(0xee)
    this.batches.push({ base, next: this.end, bytes: batch })
  }

  truncateTo(offset: number): void {
    this.cache.truncateTo(offset)
    this.batches = this.batches.filter(({ next }) => next <= offset)
    this.end = Math.min(this.end, offset)
  }

  expected(start: number, maxBytes: number, upperBound: number, minOne: boolean): Buffer {
    const found: Buffer[] = []
    let size = 0
    for (const { next, bytes } of this.batches) {
      if (next <= start) continue
      if (next > upperBound || (size + bytes.length > maxBytes && !(minOne && size === 0))) break
      found.push(bytes)
      size += bytes.length
    }
    return Buffer.concat(found)
  }
}

describe('a tail cache', () => {
  it('gives the batches that a list of them gives, wherever a read begins and whatever bounds it', () => {
    const operation = fc.oneof(
      {
        weight: 12,
        arbitrary: fc.record({
          count: fc.integer({ min: 1, max: 5 }),
          bytes: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1000, max: 30_000 })),
          gap: fc.constantFrom(0, 0, 0, 2),
        }),
      },
      { weight: 1, arbitrary: fc.record({ back: fc.integer({ min: 0, max: 12 }) }) },
      { weight: 1, arbitrary: fc.record({ dropBelow: fc.double({ min: 0, max: 1, noNaN: true }) }) },
    )
    const read = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      maxBytes: fc.oneof(fc.nat(500), fc.nat(100_000), fc.constant(10_000_000)),
      upper: fc.double({ min: 0, max: 1, noNaN: true }),
      minOne: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.array(operation, { minLength: 1, maxLength: 80 }),
        fc.array(read, { minLength: 5, maxLength: 30 }),
        (operations, reads) => {
          const pair = new Pair(new TailCacheBudget(1e9))
          let start = 0
          for (const step of operations) {
            if ('count' in step) pair.add(step.count, step.bytes, step.gap)
            else if ('back' in step) {
              if (pair.end - step.back >= start) pair.truncateTo(pair.end - step.back)
            } else {
              start = Math.max(start, Math.floor(step.dropBelow * pair.end))
              pair.cache.dropBelow(start)
            }
          }
          const last = pair.batches.at(-1)
          for (const { at, maxBytes, upper, minOne } of reads) {
            const from = start + Math.floor(at * (pair.end - start))
            const bound = start + Math.floor(upper * (pair.end - start + 1))
            if (last === undefined || from >= last.next) continue
            const expected = pair.expected(from, maxBytes, bound, minOne)
            const found = pair.cache.read(from, maxBytes, bound, minOne)
            // Below the first batch that it has, or had, it does not know what there was.
            if (found === undefined) continue
            expect(Buffer.concat(found.buffers).equals(expected)).toBe(true)
            expect(found.size).toBe(expected.length)
          }
          if (last !== undefined && last.base >= start) {
            expect(pair.cache.read(last.base, 10_000_000, last.next, true)?.size).toBe(last.bytes.length)
          }
        },
      ),
    )
  })

  it('tells where the next read begins', () => {
    const pair = new Pair(new TailCacheBudget(1e6))
    for (let i = 0; i < 100; i++) pair.add(3, 200)
    let from = 4
    let batches = 0
    while (from < pair.end) {
      const { nextOffset, size } = pair.cache.read(from, 1500, pair.end, true)!
      expect(nextOffset % 3).toBe(0)
      expect(size).toBeLessThanOrEqual(1500)
      batches += (nextOffset - (from - (from % 3))) / 3
      from = nextOffset
    }
    expect(batches).toBe(99)
  })

  it('gives batches that lie side by side as one slice', () => {
    const pair = new Pair(new TailCacheBudget(1e7))
    for (let i = 0; i < 1000; i++) pair.add(1, 100)
    const { buffers, size } = pair.cache.read(0, 1e6, 1000, true)!
    expect(size).toBe(pair.batches.reduce((sum, { bytes }) => sum + bytes.length, 0))
    expect(buffers.length).toBeLessThan(10)
  })

  it('keeps within its budget: what the logs began first goes first', () => {
    const budget = new TailCacheBudget(100_000)
    const [a, b] = [new Pair(budget), new Pair(budget)]
    for (let i = 0; i < 200; i++) (i % 2 === 0 ? a : b).add(1, 2000)
    expect(budget.bytes).toBeLessThanOrEqual(100_000)
    expect(a.cache.read(0, 1e6, 100, true)).toBeUndefined()
    expect(b.cache.read(99, 1e6, 100, true)?.size).toBe(b.batches.at(-1)!.bytes.length)
    expect(a.cache.read(99, 1e6, 100, true)?.size).toBe(a.batches.at(-1)!.bytes.length)
    a.cache.clear()
    b.truncateTo(0)
    expect(budget.bytes).toBe(0)
  })

  it('keeps the newest batches of each log, however many there are', () => {
    const budget = new TailCacheBudget(100_000)
    const pairs = Array.from({ length: 50 }, () => new Pair(budget))
    for (let round = 0; round < 50; round++) for (const pair of pairs) pair.add(1, 200)
    expect(budget.bytes).toBeLessThanOrEqual(100_000)
    for (const { cache, end, batches } of pairs) {
      expect(cache.read(end - 1, 1e6, end, true)?.size).toBe(batches.at(-1)!.bytes.length)
    }
  })

  it('has nothing where one batch is more than the budget, not even what came before', () => {
    const pair = new Pair(new TailCacheBudget(10_000))
    pair.add(1, 100)
    pair.add(1, 20_000)
    expect(pair.cache.read(0, 1e6, 2, true)).toBeUndefined()
    pair.add(1, 100)
    expect(pair.cache.read(2, 1e6, 3, true)?.nextOffset).toBe(3)
  })

  it('uses the memory of a chunk again when the last slice of it was given back', () => {
    const pool = new BufferPool()
    const pair = new Pair(new TailCacheBudget(100_000, pool))
    for (let i = 0; i < 5; i++) pair.add(1, 5000)
    const { buffers } = pair.cache.read(0, 1e6, pair.end, true)!
    const sent = Buffer.concat(buffers)
    for (let i = 0; i < 200; i++) pair.add(1, 5000)
    // Whoever still sends it sees what it was.
    expect(Buffer.concat(buffers).equals(sent)).toBe(true)
    const memory = new Set(buffers.map((slice) => slice.buffer))
    for (const slice of buffers) pool.giveBack(slice)
    const lent = [5000, 9000, 17_000, 33_000].flatMap((bytes) =>
      Array.from({ length: 5 }, () => pool.lend(bytes)),
    )
    expect(lent.filter(({ buffer }) => memory.has(buffer))).toHaveLength(memory.size)
  })

  it('keeps large batches where they are, and counts the memory of their request once', () => {
    const pool = new BufferPool({ isChecked: true })
    const budget = new TailCacheBudget(5e6, pool)
    const caches = [new TailCache(budget), new TailCache(budget)]
    const request = pool.lend(1e6)
    const batches = caches.map((cache, index) => {
      const batch = request.subarray(index * 400_000)
      const bytes = batchAt(0, 1, 300_000).copy(batch)
      cache.add(0, 1, batch.subarray(0, bytes))
      return batch.subarray(0, bytes)
    })
    expect(budget.bytes).toBeLessThan(1.1 * request.buffer.byteLength)
    // The request is answered; what was read of it is being sent.
    pool.giveBack(request)
    const [read, other] = caches.map((cache) => cache.read(0, 1e6, 1, true)!.buffers[0]!)
    expect([read, other]).toEqual(batches)
    caches[0]!.clear()
    pool.giveBack(read!)
    expect(pool.freeBytes).toBe(0)
    expect(budget.bytes).toBeGreaterThan(request.buffer.byteLength)
    caches[1]!.clear()
    expect([pool.freeBytes, budget.bytes]).toEqual([0, 0])
    pool.giveBack(other!)
    expect(pool.freeBytes).toBe(request.buffer.byteLength)
  })

  it('keeps and writes nothing where the memory of one chunk is more than all that may be used', () => {
    const pool = new BufferPool({ isChecked: true })
    const budget = new TailCacheBudget(6000, pool)
    const pair = new Pair(budget)
    for (let i = 0; i < 3; i++) pair.add(1, 5000)
    expect(budget.bytes).toBe(0)
    expect(pair.cache.read(2, 1e6, 3, true)).toBeUndefined()
    pair.add(1, 100)
    expect(pair.cache.read(3, 1e6, 4, true)?.nextOffset).toBe(4)
  })

  it('does not write where slices of batches lie that were cut off', () => {
    const pair = new Pair(new TailCacheBudget(1e6))
    for (let i = 0; i < 10; i++) pair.add(1, 6000)
    const { buffers } = pair.cache.read(5, 1e6, 10, true)!
    const sent = Buffer.concat(buffers)
    pair.truncateTo(5)
    for (let i = 0; i < 10; i++) pair.add(1, 6000)
    expect(Buffer.concat(buffers).equals(sent)).toBe(true)
  })

  it('does not keep a chunk alive for a small slice', () => {
    const pair = new Pair(new TailCacheBudget(1e6))
    for (let i = 0; i < 100; i++) pair.add(1, 4000)
    const { buffers } = pair.cache.read(99, 1e6, 100, true)!
    expect(buffers[0]!.buffer.byteLength).toBeLessThan(100_000)
  })
})
