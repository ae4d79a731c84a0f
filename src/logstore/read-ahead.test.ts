import { expect, it } from 'vitest'
import { BufferPool } from '../base/buffer-pool.ts'
import { batchOf, type LogFixture, logFixture, valuesOf } from '../testing/log-fixture.ts'
import type { SegmentRead } from './log-reader.ts'
import { MemoryFileSystem } from './memory-fs.ts'
import type { PartitionLog } from './partition-log.ts'
import { ReadAheads } from './read-ahead.ts'

const MEGABYTE = 1024 * 1024
const CHUNK_BYTES = 4096
const RECORDS = 100

/** A log of a hundred batches of 1 KB that no cache holds, and the places of all reads from its files. */
function make(): { fixture: LogFixture; log: PartitionLog; positions: number[]; fail: { next: boolean } } {
  const fs = new MemoryFileSystem()
  const positions: number[] = []
  const fail = { next: false }
  const open = fs.open.bind(fs)
  fs.open = (path, mode) => {
    const file = open(path, mode)
    const readAsync = file.readAsync.bind(file)
    file.readAsync = (target, offset, length, position) => {
      positions.push(position)
      if (!fail.next) return readAsync(target, offset, length, position)
      fail.next = false
      return Promise.reject(new Error('this read fails'))
    }
    return file
  }
  const fixture = logFixture(fs)
  const buffers = new BufferPool({ isChecked: true })
  const log = fixture.open({ buffers, readAheads: new ReadAheads(buffers) })
  for (let offset = 0; offset < RECORDS; offset++) append(log, valueAt(offset))
  return { fixture, log, positions, fail }
}

function append(log: PartitionLog, value: string): void {
  log.appendAsLeader(batchOf([value]), { leaderEpoch: 0, origin: 'client' })
  log.updateHighWatermark(log.logEndOffset)
}

function valueAt(offset: number): string {
  return `${offset},`.repeat(300).slice(0, 900)
}

async function valuesFrom(log: PartitionLog, offset: number, maxBytes = CHUNK_BYTES, upTo = RECORDS) {
  return valuesOf(await log.read(offset, maxBytes, upTo, true))
}

/** Two reads one behind the other, after which a third is begun; the offset that it is from. */
async function readTwice(log: PartitionLog): Promise<number> {
  const first = await valuesFrom(log, 0)
  const second = await valuesFrom(log, first.length)
  return first.length + second.length
}

/** What stands in the queue behind what is read ahead. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

it('who reads one chunk after the other finds the next one read, each record once and in order', async () => {
  const { log, positions } = make()
  const values: string[] = []
  const begunBefore: number[] = []
  while (values.length < RECORDS) {
    await turn()
    begunBefore.push(positions.length)
    values.push(...(await valuesFrom(log, values.length)))
  }
  expect(values).toEqual(Array.from({ length: RECORDS }, (_, offset) => valueAt(offset)))
  // The first one looks for its place with one more. Of the last chunk there is not enough to read it ahead.
  expect(begunBefore.slice(2, -1)).toEqual(begunBefore.slice(2, -1).map((_, index) => index + 4))
  expect(new Set(positions).size).toBe(positions.length - 1)
  await log.close()
})

it('a single read begins nothing else', async () => {
  const { log, positions } = make()
  await valuesFrom(log, 0)
  await turn()
  const before = positions.length
  await valuesFrom(log, 50)
  await turn()
  expect(positions.slice(before).length).toBeLessThanOrEqual(2)
  await log.close()
})

it('what was read ahead of a cut is not served after it', async () => {
  const { log } = make()
  const next = await readTwice(log)
  await turn()
  log.truncateTo(next)
  for (let offset = next; offset < RECORDS; offset++) append(log, `new${offset}`)
  expect((await valuesFrom(log, next))[0]).toBe(`new${next}`)
  await log.close()
})

it('nor when the cut comes while the reader waits for it', async () => {
  const { log } = make()
  const next = await readTwice(log)
  const reading = valuesFrom(log, next)
  log.truncateTo(next)
  append(log, 'new')
  expect(await reading).toEqual(['new'])
  await log.close()
})

it('a reader with narrower limits gets no more than they allow', async () => {
  const { log } = make()
  const next = await readTwice(log)
  await turn()
  expect(await valuesFrom(log, next, 1100)).toEqual([valueAt(next)])
  const after = await readTwice(log)
  await turn()
  expect(await valuesFrom(log, after, CHUNK_BYTES, after + 2)).toEqual([valueAt(after), valueAt(after + 1)])
  await log.close()
})

it('where reading ahead failed, the reader reads what is there', async () => {
  const { log, fail } = make()
  const first = await valuesFrom(log, 0)
  const reading = valuesFrom(log, first.length)
  fail.next = true
  // The one that fails is the one ahead: that of the reader has begun.
  const next = first.length + (await reading).length
  await turn()
  expect(fail.next).toBe(false)
  expect((await valuesFrom(log, next))[0]).toBe(valueAt(next))
  await log.close()
})

it('a log that is closed meanwhile leaves nothing behind', async () => {
  const { fixture, log } = make()
  const next = await readTwice(log)
  await log.close()
  const again = fixture.open()
  again.updateHighWatermark(RECORDS)
  expect((await valuesFrom(again, next))[0]).toBe(valueAt(next))
  await again.close()
})

/** A read that ends when the test says so. */
function pendingRead(buffers: BufferPool) {
  const { promise, resolve } = Promise.withResolvers<SegmentRead>()
  const state = {
    begun: false,
    read: () => {
      state.begun = true
      return promise
    },
    end: () =>
      resolve({ buffers: [buffers.lend(MEGABYTE)], size: MEGABYTE, nextOffset: 1, endPosition: MEGABYTE }),
  }
  return state
}

it('two reads are under way at a time, the others wait for their turn or for their reader', async () => {
  const buffers = new BufferPool({ isChecked: true })
  const aheads = new ReadAheads(buffers)
  const reads = Array.from({ length: 5 }, () => pendingRead(buffers))
  const chunks = reads.map(({ read }) => aheads.add(MEGABYTE, read))
  expect(reads.map(({ begun }) => begun)).toEqual([true, true, false, false, false])
  expect(chunks[2]!.take()).toBeUndefined()
  reads[0]!.end()
  expect((await chunks[0]!.take())?.size).toBe(MEGABYTE)
  await turn()
  expect(reads.map(({ begun }) => begun)).toEqual([true, true, false, true, false])
  expect(chunks[0]!.take()).toBeUndefined()
})

it('memory is bounded: what finds no room is not read, and what nobody takes goes in the end', async () => {
  const buffers = new BufferPool({ isChecked: true })
  const aheads = new ReadAheads(buffers)
  const add = () => {
    const pending = pendingRead(buffers)
    pending.end()
    return aheads.add(MEGABYTE, pending.read)
  }
  const chunks = Array.from({ length: 8 }, add)
  await turn()
  expect(chunks.every((chunk) => chunk !== undefined)).toBe(true)
  expect(add()).toBeUndefined()
  expect((await chunks[7]!.take())?.size).toBe(MEGABYTE)
  expect(add()).toBeDefined()
  let refused = 0
  while (add() === undefined) refused++
  expect(refused).toBeLessThan(20)
  await turn()
  expect(buffers.freeBytes).toBe(MEGABYTE)
  expect(chunks[0]!.take()).toBeUndefined()
  expect((await chunks[1]!.take())?.size).toBe(MEGABYTE)
})

it('a look at what comes next that fails does not fail the read before it', async () => {
  const { fixture, log } = make()
  await log.close()
  let isItself = true
  let failures = 0
  const open = fixture.fs.open.bind(fixture.fs)
  fixture.fs.open = (path, mode) => {
    const file = open(path, mode)
    const slice = file.slice.bind(file)
    file.slice = (position, length, next) => {
      // A read asks for itself, and then for what comes behind it.
      if (!isItself) failures++
      if (!isItself) throw new Error('this file cannot be read')
      isItself = false
      return slice(position, length, next)
    }
    return file
  }
  const buffers = new BufferPool({ isChecked: true })
  const again = fixture.open({ buffers, readAheads: new ReadAheads(buffers) })
  for (let offset = RECORDS; offset < 2 * RECORDS; offset++) append(again, valueAt(offset))
  let offset = RECORDS
  while (offset < 2 * RECORDS - 5) {
    isItself = true
    const read = await again.readToSend(offset, 4 * CHUNK_BYTES, 2 * RECORDS, true)
    expect(read.size).toBeGreaterThan(0)
    offset = read.nextOffset
  }
  expect(failures).toBeGreaterThan(0)
  await again.close()
})
