import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Writable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { BufferPool } from '../base/buffer-pool.ts'
import { FileSlice } from '../base/file-slice.ts'
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

/** A slice that hands over what it is told to at each time, and then whatever is asked. */
class FakeSlice extends FileSlice {
  readonly #bytes: Buffer
  readonly #handsOver: number[]
  readonly #descriptors: number[]
  #at = 0
  isReleased = false
  failure: Error | undefined

  constructor(bytes: Buffer, handsOver: number[], descriptors: number[]) {
    super()
    this.#bytes = bytes
    this.#handsOver = handsOver
    this.#descriptors = descriptors
  }

  get length(): number {
    return this.#bytes.length - this.#at
  }

  sendTo(descriptor: number, head = Buffer.alloc(0)): number | undefined {
    this.#descriptors.push(descriptor)
    const most = this.#handsOver.shift()
    if (most === undefined) return undefined
    const bytes = Math.max(0, Math.min(most - head.length, this.length))
    sent.push(head.subarray(0, most), this.#bytes.subarray(this.#at, this.#at + bytes))
    this.#at += bytes
    return Math.min(most, head.length) + bytes
  }

  async read(target: Buffer): Promise<void> {
    await settled()
    if (this.failure !== undefined) throw this.failure
    this.#bytes.copy(target, 0, this.#at)
    this.#at += target.length
  }

  release(): void {
    this.isReleased = true
  }
}

/** What a socket's peer gets, by whichever way. */
let sent: Buffer[] = []

function queueToDescriptor() {
  sent = []
  let taken = 0
  const take = (chunk: Buffer, _encoding: string, done: () => void) => {
    // A pool uses memory again that has been taken.
    sent.push(Buffer.from(chunk))
    setImmediate(done)
  }
  const socket = Object.assign(new Writable({ highWaterMark: MEGABYTE, write: take }), { _handle: { fd: 7 } })
  const pool = new BufferPool({ isChecked: true })
  const queue = new OutputQueue(socket as unknown as Socket, pool, (bytes) => {
    taken += bytes
  })
  return { queue, socket, pool, taken: () => taken }
}

function numbered(bytes: number, seed: number): Buffer {
  return Buffer.from(Array.from({ length: bytes }, (_, index) => (index * seed) % 251))
}

test.each([
  ['at once', [1_000_000]],
  ['in parts', [10, 20, 30, 1_000_000]],
  ['not at all, so that it is read', []],
  ['now and then', [170_000, 0, 10_000, 0, 0, 1_000]],
  ['with a part of what lies before them', [1, 2, 500, 0, 20_000, 0, 0]],
])('slices of files go out between what lies in memory, in order, taken %s', async (_, handsOver) => {
  const { queue, taken } = queueToDescriptor()
  const descriptors: number[] = []
  const parts = [3, 5, 7, 11].map((seed) => numbered(100_000 + seed, seed))
  const slices = [parts[1]!, parts[2]!].map((part) => new FakeSlice(part, [...handsOver], descriptors))
  const all = Buffer.concat([...parts, numbered(500, 13)])
  queue.add([parts[0]!, slices[0]!, slices[1]!, parts[3]!])
  queue.flush()
  queue.add([numbered(500, 13)])
  queue.flush()
  await vi.waitFor(() => expect(queue.bytes).toBe(0))
  expect(Buffer.concat(sent).equals(all)).toBe(true)
  expect(taken()).toBe(all.length)
  expect(queue.writing).toBe(false)
  expect(slices.map(({ isReleased }) => isReleased)).toEqual([true, true])
  expect(new Set(descriptors)).toEqual(new Set([7]))
})

test('the memory of what goes with a slice of a file is free then', () => {
  const { queue, pool } = queueToDescriptor()
  queue.add([pool.lend(2000), new FakeSlice(Buffer.alloc(5000), [7000], [])])
  queue.flush()
  expect(queue.bytes).toBe(0)
  expect(pool.freeBytes).toBe(2048)
})

test('a peer that reads as fast as it is sent to leaves others a turn', async () => {
  const { queue } = queueToDescriptor()
  const slice = new FakeSlice(Buffer.alloc(10 * MEGABYTE), Array(10).fill(MEGABYTE), [])
  queue.add([slice])
  const left: number[] = []
  queue.flush()
  for (; queue.bytes > 0; await settled()) {
    expect(queue.writing).toBe(true)
    left.push(queue.bytes / MEGABYTE)
    queue.flush()
  }
  expect(left).toEqual([6, 2])
  expect(slice.isReleased).toBe(true)
})

test('nothing goes to the descriptor past TLS', async () => {
  const { queue, socket } = queueToDescriptor()
  Object.assign(socket, { encrypted: true })
  const descriptors: number[] = []
  queue.add([new FakeSlice(numbered(100_000, 3), [1_000_000], descriptors)])
  queue.flush()
  await vi.waitFor(() => expect(queue.bytes).toBe(0))
  expect(Buffer.concat(sent).equals(numbered(100_000, 3))).toBe(true)
  expect(descriptors).toEqual([])
})

test('what a closed connection did not send gives up its file', async () => {
  const { queue, socket } = queueToDescriptor()
  const slices = [1, 2].map(() => new FakeSlice(numbered(200_000, 3), [1000], []))
  queue.add(slices)
  queue.flush()
  socket.destroy()
  queue.clear()
  await settled()
  await settled()
  expect(slices.map(({ isReleased }) => isReleased)).toEqual([true, true])
  expect(Buffer.concat(sent)).toHaveLength(1000)
})

test('a file that cannot be read ends the connection, and nothing comes behind the gap', async () => {
  const { queue, socket } = queueToDescriptor()
  const slice = new FakeSlice(numbered(200_000, 3), [1000], [])
  slice.failure = new Error('this read fails')
  const failed = once(socket, 'error')
  queue.add([slice, Buffer.from('behind it')])
  queue.flush()
  expect(await failed).toEqual([slice.failure])
  queue.flush()
  expect(Buffer.concat(sent)).toHaveLength(1000)
})
