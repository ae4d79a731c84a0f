import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { BufferPool } from '../base/buffer-pool.ts'
import { OutputQueue } from './output-queue.ts'

const MEGABYTE = 1024 * 1024

/** A queue to a socket whose kernel takes nothing until it is told to. */
function slowQueue() {
  const due: (() => void)[] = []
  const socket = new Writable({
    highWaterMark: MEGABYTE,
    writev: (_chunks, done) => due.push(done),
    write: (_chunk, _encoding, done) => due.push(done),
  })
  const pool = new BufferPool()
  // All that a queue asks of a socket is that it can be corked and written to.
  const queue = new OutputQueue(socket as unknown as Socket, pool, () => {})
  return { queue, pool, take: () => due.shift()?.() }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('the memory of a slice is free when the kernel has taken it, not before', async () => {
  const { queue, pool, take } = slowQueue()
  queue.add([Buffer.alloc(10), pool.lend(2000), pool.lend(3000)])
  queue.flush()
  await settled()
  expect(pool.freeBytes).toBe(0)
  take()
  await settled()
  expect(pool.freeBytes).toBe(2048 + 4096)
  expect(queue.bytes).toBe(0)
})

test('the memory of a slice that goes out in parts is free with the last part', async () => {
  const { queue, pool, take } = slowQueue()
  queue.add([Buffer.alloc(MEGABYTE / 2), pool.lend(MEGABYTE)])
  queue.flush()
  for (const expected of [0, MEGABYTE]) {
    take()
    await settled()
    expect(pool.freeBytes).toBe(expected)
  }
})

test('the memory of what a closed connection did not send is not used again', async () => {
  const { queue, pool, take } = slowQueue()
  queue.add([pool.lend(5000)])
  queue.flush()
  queue.clear()
  take()
  await settled()
  expect(pool.freeBytes).toBe(0)
})
