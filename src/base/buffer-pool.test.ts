import { expect, test } from 'vitest'
import { BufferPool } from './buffer-pool.ts'

const MEGABYTE = 1024 * 1024

test('memory that was given back is lent again, whole, whatever part of it came back', () => {
  const pool = new BufferPool()
  const first = pool.lend(MEGABYTE - 5)
  pool.giveBack(first.subarray(100, 200))
  expect(pool.freeBytes).toBe(MEGABYTE)
  const second = pool.lend(MEGABYTE)
  expect(second.buffer).toBe(first.buffer)
  expect([first.length, second.length, pool.freeBytes]).toEqual([MEGABYTE - 5, MEGABYTE, 0])
})

test('memory is never lent to two at once, not even when it is given back twice', () => {
  const pool = new BufferPool()
  const first = pool.lend(MEGABYTE)
  expect(pool.lend(MEGABYTE).buffer).not.toBe(first.buffer)
  pool.giveBack(first)
  pool.giveBack(first)
  expect(pool.lend(MEGABYTE).buffer).toBe(first.buffer)
  expect(pool.lend(MEGABYTE).buffer).not.toBe(first.buffer)
})

test('memory with several holders is free when the last has given it back', () => {
  const pool = new BufferPool()
  const memory = pool.lend(5000)
  pool.share(memory.subarray(0, 10))
  pool.share(memory.subarray(10, 20))
  pool.giveBack(memory)
  pool.giveBack(memory.subarray(0, 10))
  expect(pool.freeBytes).toBe(0)
  pool.giveBack(memory.subarray(10, 20))
  expect(pool.freeBytes).toBe(8192)
  pool.share(memory)
  expect(pool.lend(8000).buffer).toBe(memory.buffer)
})

test('memory of somebody else, and pieces too small or too large, are left alone', () => {
  const pool = new BufferPool()
  for (const foreign of [Buffer.alloc(MEGABYTE), pool.lend(100), pool.lend(16 * MEGABYTE + 1)]) {
    pool.share(foreign)
    pool.giveBack(foreign)
    pool.giveBack(foreign)
  }
  expect(pool.freeBytes).toBe(0)
})

test('what is free stays within its bound', () => {
  const pool = new BufferPool({ maxFreeBytes: 16 * MEGABYTE })
  const lent = Array.from({ length: 20 }, () => pool.lend(MEGABYTE))
  for (const buffer of lent) pool.giveBack(buffer)
  expect(pool.freeBytes).toBe(16 * MEGABYTE)
  // The others are memory of the system again, and don't wait for V8 to collect them.
  expect(lent.filter((buffer) => buffer.length === 0)).toHaveLength(4)
})

test('free memory of a size that nobody asks for any more makes place for what is used now', () => {
  const pool = new BufferPool({ maxFreeBytes: 4 * MEGABYTE })
  const lent = Array.from({ length: 4 }, () => pool.lend(MEGABYTE))
  for (const buffer of lent) pool.giveBack(buffer)
  const used = pool.lend(MEGABYTE / 2, true)
  pool.giveBack(used)
  expect(pool.freeBytes).toBe(3.5 * MEGABYTE)
  expect(pool.lend(MEGABYTE / 2, true).buffer).toBe(used.buffer)
})

test.each([512, 513, 1024, 1025, 4095, 65_536, 65_537, MEGABYTE, 6 * MEGABYTE, 16 * MEGABYTE])(
  '%i bytes are lent of memory at most twice as large',
  (bytes) => {
    const lent = new BufferPool().lend(bytes)
    expect(lent.length).toBe(bytes)
    expect(lent.buffer.byteLength).toBeLessThanOrEqual(Math.max(1024, bytes * 2))
  },
)

test('a checked pool spoils what nobody holds, small pieces too, and lends it again', () => {
  const pool = new BufferPool({ isChecked: true })
  const memory = pool.lend(10).fill(1)
  pool.share(memory)
  pool.giveBack(memory)
  expect(memory[9]).toBe(1)
  pool.giveBack(memory)
  expect(memory).toEqual(Buffer.alloc(10, 0xdb))
  expect(pool.lend(10).buffer).toBe(memory.buffer)
})

test('a checked pool throws where memory is used that nobody holds', () => {
  const pool = new BufferPool({ isChecked: true })
  const memory = pool.lend(5000)
  pool.giveBack(memory)
  expect(() => pool.giveBack(memory)).toThrow('given back that nobody holds')
  expect(() => pool.share(memory)).toThrow('shared that nobody holds')
  memory[4000] = 1
  expect(() => pool.lend(5000)).toThrow('written to at 4000')
})
