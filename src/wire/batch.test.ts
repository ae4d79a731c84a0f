import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BatchReader,
  batchFaultAt,
  decrementSequence,
  incrementSequence,
  RecordBatch,
  readInt64,
  setBatchMaxTimestamp,
  writeInt64,
} from './batch.ts'
import { encodeBatch } from './records.ts'

const value = Buffer.from('value')

function batchOf(records: number, baseOffset = 0): Buffer {
  return encodeBatch({
    baseOffset,
    baseTimestamp: 1000,
    records: Array.from({ length: records }, () => ({ value })),
  })
}

describe('a view on a batch', () => {
  test('reads every header field at its place', () => {
    const bytes = encodeBatch({
      baseOffset: 2 ** 40 + 7,
      partitionLeaderEpoch: 9,
      timestampType: 'LogAppendTime',
      baseTimestamp: 1000,
      maxTimestamp: 1700000000000,
      producerId: 2 ** 33,
      producerEpoch: 12,
      baseSequence: 34,
      isTransactional: true,
      isControl: true,
      hasDeleteHorizon: true,
      compression: 'gzip',
      records: [{ value }, { value }, { value }],
    })
    const batch = new RecordBatch(Buffer.concat([Buffer.alloc(5, 0xff), bytes]), 5)
    expect({
      baseOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      nextOffset: batch.nextOffset,
      batchLength: batch.batchLength,
      sizeInBytes: batch.sizeInBytes,
      end: batch.end,
      partitionLeaderEpoch: batch.partitionLeaderEpoch,
      magic: batch.magic,
      compressionCodec: batch.compressionCodec,
      timestampType: batch.timestampType,
      isTransactional: batch.isTransactional,
      isControl: batch.isControl,
      hasDeleteHorizon: batch.hasDeleteHorizon,
      lastOffsetDelta: batch.lastOffsetDelta,
      baseTimestamp: batch.baseTimestamp,
      maxTimestamp: batch.maxTimestamp,
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      lastSequence: batch.lastSequence,
      recordsCount: batch.recordsCount,
    }).toEqual({
      baseOffset: 2 ** 40 + 7,
      lastOffset: 2 ** 40 + 9,
      nextOffset: 2 ** 40 + 10,
      batchLength: bytes.length - 12,
      sizeInBytes: bytes.length,
      end: bytes.length + 5,
      partitionLeaderEpoch: 9,
      magic: 2,
      compressionCodec: 1,
      timestampType: 'LogAppendTime',
      isTransactional: true,
      isControl: true,
      hasDeleteHorizon: true,
      lastOffsetDelta: 2,
      baseTimestamp: 1000,
      maxTimestamp: 1700000000000,
      producerId: 2 ** 33,
      producerEpoch: 12,
      baseSequence: 34,
      lastSequence: 36,
      recordsCount: 3,
    })
    expect(batch.crcIsRight()).toBe(true)
    expect(batch.bytes.equals(bytes)).toBe(true)
  })

  test('base offset and leader epoch are patched without touching the CRC', () => {
    const batch = new RecordBatch(batchOf(2))
    const crc = batch.crc
    batch.setBaseOffset(2 ** 50 + 1)
    batch.setPartitionLeaderEpoch(77)
    expect([batch.baseOffset, batch.partitionLeaderEpoch, batch.crc]).toEqual([2 ** 50 + 1, 77, crc])
    expect(batch.crcIsRight()).toBe(true)
  })

  test('LogAppendTime is set with the CRC that belongs to it, and taken back to the same bytes', () => {
    const bytes = batchOf(2)
    const before = Buffer.from(bytes)
    const batch = new RecordBatch(bytes)
    batch.setLogAppendTime(1700000000123)
    expect([batch.timestampType, batch.maxTimestamp, batch.baseTimestamp]).toEqual([
      'LogAppendTime',
      1700000000123,
      1000,
    ])
    expect(batch.crcIsRight()).toBe(true)
    setBatchMaxTimestamp(bytes, 0, 'CreateTime', 1000)
    expect(bytes.equals(before)).toBe(true)
  })

  test('every flipped bit after the CRC is noticed, none before it', () => {
    const bytes = batchOf(1)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const at = bit >> 3
      // Length and magic decide what a batch is at all; batchFaultAt looks at them.
      if ((at >= 8 && at < 12) || at === 16) continue
      const flipped = Buffer.from(bytes)
      flipped[at]! ^= 1 << (bit & 7)
      expect(new RecordBatch(flipped).crcIsRight(), `bit ${bit}`).toBe(at < 16)
    }
  })
})

describe('sequences', () => {
  test('wrap from 2^31-1 to 0', () => {
    const bytes = encodeBatch({
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 2 ** 31 - 2,
      records: [{}, {}, {}],
    })
    expect(new RecordBatch(bytes).lastSequence).toBe(0)
    expect(incrementSequence(2 ** 31 - 1, 1)).toBe(0)
    expect(incrementSequence(2 ** 31 - 1, 2 ** 31 - 1)).toBe(2 ** 31 - 2)
    expect(decrementSequence(0, 1)).toBe(2 ** 31 - 1)
  })

  test('a batch without sequence has no last one either', () => {
    expect(new RecordBatch(batchOf(5)).lastSequence).toBe(-1)
  })
})

describe('64-bit integers', () => {
  test('survive exactly within 2^53', () => {
    const buffer = Buffer.alloc(8)
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        writeInt64(buffer, value, 0)
        expect(buffer.readBigInt64BE()).toBe(BigInt(value))
        expect(readInt64(buffer, 0)).toBe(value)
      }),
    )
  })

  test("saturate at Kafka's extremes, which survive a round trip", () => {
    const buffer = Buffer.alloc(8)
    for (const extreme of [2n ** 63n - 1n, -(2n ** 63n)]) {
      buffer.writeBigInt64BE(extreme)
      const value = readInt64(buffer, 0)
      buffer.fill(0x55)
      writeInt64(buffer, value, 0)
      expect(buffer.readBigInt64BE()).toBe(extreme)
    }
    writeInt64(buffer, Number.POSITIVE_INFINITY, 0)
    expect(buffer.readBigInt64BE()).toBe(2n ** 63n - 1n)
  })
})

describe('walking the batches of a buffer', () => {
  test('yields each and ends without fault at the end', () => {
    const reader = new BatchReader(Buffer.concat([batchOf(1, 0), batchOf(2, 1), batchOf(1, 3)]))
    expect([...reader].map((batch) => [batch.baseOffset, batch.lastOffset])).toEqual([
      [0, 0],
      [1, 2],
      [3, 3],
    ])
    expect(reader.fault).toBeUndefined()
    expect(reader.position).toBe(reader.buffer.length)
  })

  test('stops at a torn tail, wherever it is torn, after all whole batches', () => {
    const first = batchOf(1)
    const whole = Buffer.concat([first, batchOf(2, 1)])
    for (let end = first.length + 1; end < whole.length; end++) {
      const reader = new BatchReader(whole.subarray(0, end))
      expect([...reader]).toHaveLength(1)
      expect([reader.fault, reader.position]).toEqual(['too-short', first.length])
      const bounded = new BatchReader(whole, 0, end)
      expect([...bounded]).toHaveLength(1)
      expect(bounded.fault).toBe('too-short')
    }
  })

  test('stops at the zeros of a preallocated tail, and at a length that no batch has', () => {
    const first = batchOf(1)
    const reader = new BatchReader(Buffer.concat([first, Buffer.alloc(100)]))
    expect([...reader]).toHaveLength(1)
    expect([reader.fault, reader.position]).toEqual(['bad-length', first.length])
    for (const length of [-1, 13, 48, -(2 ** 31)]) {
      const bytes = batchOf(1)
      bytes.writeInt32BE(length, 8)
      expect(batchFaultAt(bytes, 0)).toBe('bad-length')
    }
  })

  test('stops at any magic but 2', () => {
    for (const magic of [0, 1, 3, -1]) {
      const bytes = batchOf(1)
      bytes.writeInt8(magic, 16)
      const reader = new BatchReader(bytes)
      expect(reader.next()).toBeUndefined()
      expect(reader.fault).toBe('bad-magic')
    }
  })

  test('never reads outside the buffer, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const reader = new BatchReader(Buffer.from(bytes))
        for (const batch of reader) expect(batch.end).toBeLessThanOrEqual(bytes.length)
        expect(reader.position === bytes.length).toBe(reader.fault === undefined)
      }),
    )
  })
})
