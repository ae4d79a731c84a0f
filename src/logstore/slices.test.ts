/** What a fetch finds on the disk and sends from there: which batches those are, and when they are looked at first. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BufferPool } from '../base/buffer-pool.ts'
import type { FileSlice } from '../base/file-slice.ts'
import { batchOf, everyFileSystem, type LogFixture } from '../testing/log-fixture.ts'
import { BatchReader } from '../wire/batch.ts'
import { offsetFileName } from './file-names.ts'
import { nativeCalls } from './native-calls.ts'
import type { PartitionLog } from './partition-log.ts'
import type { LogReadResult } from './partition-log-types.ts'
import { ReadAheads } from './read-ahead.ts'
import { TailCacheBudget } from './tail-cache.ts'

const KILOBYTE = 1024
const MEGABYTE = 1024 * KILOBYTE
const BATCHES = 80
/** Of 20 KB, so that a file of any kind has slices of a few hundred. */
const VALUE = 'x'.repeat(20 * KILOBYTE)
const LIMIT = 400 * KILOBYTE

const { kinds, dispose } = everyFileSystem()
afterAll(dispose)

/** Of a file system of the machine, where it can. */
function hasSlices(kind: string): boolean {
  return kind !== 'node' || nativeCalls() !== undefined
}

type Read = LogReadResult<Buffer | FileSlice>

function slicesOf(read: Read): readonly FileSlice[] {
  return read.buffers.filter((part): part is FileSlice => !Buffer.isBuffer(part))
}

/** The bytes, wherever they are; a slice is taken to its end. */
async function bytesOf(read: Read): Promise<Buffer> {
  const parts = await Promise.all(
    read.buffers.map(async (part) => {
      if (Buffer.isBuffer(part)) return part
      const bytes = Buffer.alloc(part.length)
      await part.read(bytes)
      expect(part.length).toBe(0)
      part.release()
      return bytes
    }),
  )
  return Buffer.concat(parts)
}

for (const [kind, make] of kinds)
  describe.skipIf(!hasSlices(kind))(`on ${kind}`, () => {
    let fixture: LogFixture
    let log: PartitionLog

    function open(tailBytes = 0): PartitionLog {
      const buffers = new BufferPool({ isChecked: true })
      const tailCacheBudget = new TailCacheBudget(tailBytes, buffers)
      return fixture.open(
        { buffers, readAheads: new ReadAheads(buffers), tailCacheBudget },
        { segmentBytes: 20 * MEGABYTE },
      )
    }

    function append(values: readonly string[]): void {
      log.appendAsLeader(batchOf(values), { leaderEpoch: 0, origin: 'client' })
      log.updateHighWatermark(log.logEndOffset)
    }

    async function readToSend(offset: number, upTo = log.logEndOffset, maxBytes = LIMIT): Promise<Read> {
      return log.readToSend(offset, maxBytes, upTo, true)
    }

    /** Each batch's first offset and the one after it, over all reads; and how many of those gave slices. */
    async function readAll(): Promise<{ offsets: number[]; slices: number }> {
      const offsets: number[] = []
      let slices = 0
      for (let offset = 0; offset < log.logEndOffset && offsets.length < 2 * BATCHES; ) {
        const read = await readToSend(offset)
        slices += slicesOf(read).length
        const bytes = await bytesOf(read)
        expect(bytes.length).toBe(read.size)
        expect(read.size).toBeLessThanOrEqual(LIMIT)
        let end = 0
        for (const batch of new BatchReader(bytes)) {
          expect(batch.crcIsRight()).toBe(true)
          offsets.push(batch.baseOffset)
          offset = batch.nextOffset
          end += batch.sizeInBytes
        }
        expect(end).toBe(bytes.length)
        expect(read.nextOffset).toBe(offset)
      }
      return { offsets, slices }
    }

    const all = Array.from({ length: BATCHES }, (_, index) => index * 2)

    beforeEach(() => {
      fixture = make()
      log = open()
      for (let index = 0; index < BATCHES; index++) append([VALUE, String(index + 100)])
    })
    afterEach(() => log.close())

    it('what this process wrote is read in slices, each batch once, whole and in order', async () => {
      const { offsets, slices } = await readAll()
      expect(offsets).toEqual(all)
      expect(slices).toBeGreaterThan(2)
    })

    it('who comes from the disk goes on there where memory has it too, while that fills a read', async () => {
      await log.close()
      log = open(MEGABYTE)
      for (let index = 0; index < BATCHES; index++) append([VALUE, String(index + 100)])
      const fromMemory = await readToSend(4 * BATCHES - 50)
      expect(slicesOf(fromMemory)).toHaveLength(0)
      const sizes: number[] = []
      let read = await readToSend(2 * BATCHES)
      for (; slicesOf(read).length > 0; read = await readToSend(read.nextOffset)) sizes.push(read.size)
      expect(sizes.length).toBeGreaterThan(2)
      expect(Math.min(...sizes)).toBeGreaterThan(LIMIT / 2)
      expect(read.nextOffset).toBe(log.logEndOffset)
      expect(slicesOf(read)).toHaveLength(0)
      expect((await bytesOf(read)).length).toBeLessThanOrEqual(LIMIT)
    })

    it('what lies below the start of the log is read no more, wherever a read ended', async () => {
      await log.close()
      log = open(MEGABYTE)
      for (let index = 0; index < BATCHES; index++) append([VALUE, String(index + 100)])
      let offset = 2 * BATCHES
      for (let reads = 0; reads < 3; reads++) offset = (await readToSend(offset)).nextOffset
      expect(slicesOf(await readToSend(offset))).toHaveLength(1)
      log.incrementLogStartOffset(offset + 1)
      await expect(readToSend(offset)).rejects.toThrow('but we only have log segments from')
    })

    it('a read to be looked at has no slices, whatever was read ahead for others', async () => {
      const first = await readToSend(0)
      const second = await readToSend(first.nextOffset)
      expect(slicesOf(second)).toHaveLength(1)
      await new Promise((resolve) => setImmediate(resolve))
      const third = await log.read(second.nextOffset, LIMIT, log.logEndOffset, true)
      expect(third.buffers.every((part) => Buffer.isBuffer(part))).toBe(true)
      expect(third.size).toBeGreaterThan(LIMIT / 2)
    })

    it('no slice reaches over the upper bound', async () => {
      for (const upTo of [1, 2, 11, 12, 13, 30]) {
        const read = await readToSend(0, upTo)
        const bytes = await bytesOf(read)
        const ends = [...new BatchReader(bytes)].map((batch) => batch.nextOffset)
        expect(ends.at(-1) ?? 0).toBe(Math.floor(Math.min(upTo, 38) / 2) * 2)
      }
    })

    it('a file that an earlier process wrote is looked at once before it is sent so', async () => {
      await log.close()
      log = open()
      expect((await readAll()).slices).toBe(0)
      const again = await readAll()
      expect(again.offsets).toEqual(all)
      expect(again.slices).toBeGreaterThan(2)
    })

    it('damage in such a file is told of, and what lies before it is served', async () => {
      await log.close()
      log = open()
      const file = fixture.fs.open(`${fixture.directory}/${offsetFileName(0, '.log')}`, 'write')
      const size = 20 * KILOBYTE
      // The magic byte of a batch in the second half; all are as long.
      const position = (file.size() / BATCHES) * 60 + 16
      file.write([Buffer.alloc(1, 77)], position)
      file.close()
      let offset = 0
      const failed = await (async () => {
        while (offset < log.logEndOffset) offset = (await readToSend(offset, undefined, 4 * size)).nextOffset
      })().catch((error: Error) => error)
      expect(failed?.message).toContain('no whole batch at')
      expect(offset).toBe(120)
    })

    it('what was cut off is no part of a slice, and what came in its place is', async () => {
      log.truncateTo(40)
      for (let index = 20; index < BATCHES; index++) append([VALUE, `again ${index + 100}`])
      const { offsets, slices } = await readAll()
      expect(offsets).toEqual(all)
      expect(slices).toBeGreaterThan(2)
    })

    it('a slice is read to its end after its log was closed', async () => {
      const read = await readToSend(0)
      const expected = await bytesOf(await log.read(0, read.size, log.logEndOffset, true))
      await log.close()
      expect((await bytesOf(read)).equals(expected)).toBe(true)
      log = open()
    })
  })
