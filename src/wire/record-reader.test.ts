import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batchFaultAt, RecordBatch, updateBatchCrc } from './batch.ts'
import { type CompressionType, compressionTypes } from './compression.ts'
import { CorruptRecordError } from './corrupt-record-error.ts'
import { RecordCursor, readRecords } from './record-reader.ts'
import { sizeOfVarlong, writeVarint, writeVarlong } from './record-varint.ts'
import { assembleBatch, type BatchHeaderInput, encodeBatch } from './records.ts'

const MEGABYTE = 1024 * 1024

function readAll(bytes: Buffer): ReturnType<typeof readRecords> extends Iterable<infer R> ? R[] : never {
  return [...readRecords(new RecordBatch(bytes), MEGABYTE)]
}

/** A batch around hand-made record bytes. */
function batchAround(records: Buffer, summary: { recordsCount: number; lastOffsetDelta?: number }): Buffer {
  return assembleBatch({}, records, {
    lastOffsetDelta: summary.recordsCount - 1,
    maxTimestamp: 0,
    ...summary,
  })
}

/** A record with a body of the given bytes. */
function record(...body: number[]): Buffer {
  const bytes = Buffer.alloc(5)
  return Buffer.concat([bytes.subarray(0, writeVarint(bytes, body.length, 0)), Buffer.from(body)])
}

describe('records', () => {
  const bytesOrNull = fc.option(fc.uint8Array({ maxLength: 40 }))
  const recordInput = fc.record({
    key: bytesOrNull,
    value: bytesOrNull,
    timestampDelta: fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 52), max: 2 ** 52 })),
    headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 8 }), value: bytesOrNull }), {
      maxLength: 3,
    }),
  })

  test.each(compressionTypes)('come back as they were written (%s)', (compression: CompressionType) => {
    fc.assert(
      fc.property(
        fc.array(recordInput, { maxLength: 12 }),
        fc.integer({ min: 0, max: 2 ** 51 }),
        fc.boolean(),
        (records, baseOffset, isIdempotent) => {
          const header: BatchHeaderInput = {
            baseOffset,
            baseTimestamp: 1_700_000_000_000,
            compression,
            ...(isIdempotent ? { producerId: 5, producerEpoch: 0, baseSequence: 2 ** 31 - 3 } : {}),
          }
          const bytes = encodeBatch({ ...header, records })
          expect(batchFaultAt(bytes, 0)).toBeUndefined()
          const batch = new RecordBatch(bytes)
          expect([batch.crcIsRight(), batch.recordsCount]).toEqual([true, records.length])
          expect(batch.maxTimestamp).toBe(
            Math.max(-1, ...records.map((each) => 1_700_000_000_000 + each.timestampDelta)),
          )
          const copy = (each: Uint8Array | null): Buffer | null => (each === null ? null : Buffer.from(each))
          expect(readAll(bytes)).toEqual(
            records.map((each, index) => ({
              offset: baseOffset + index,
              timestamp: 1_700_000_000_000 + each.timestampDelta,
              sequence: isIdempotent ? (2 ** 31 - 3 + index) % 2 ** 31 : -1,
              key: copy(each.key),
              value: copy(each.value),
              headers: each.headers.map((header) => ({ key: header.key, value: copy(header.value) })),
            })),
          )
        },
      ),
      { numRuns: 60 },
    )
  })

  test('all have the maximum timestamp under LogAppendTime', () => {
    const bytes = encodeBatch({ baseTimestamp: 5, records: [{}, { timestampDelta: 9 }] })
    new RecordBatch(bytes).setLogAppendTime(77)
    expect(readAll(bytes).map((each) => each.timestamp)).toEqual([77, 77])
  })

  test('keep their offsets where a compaction left gaps, and no record at all is a batch too', () => {
    const gaps = encodeBatch({
      baseOffset: 100,
      lastOffsetDelta: 9,
      records: [{ offsetDelta: 2 }, { offsetDelta: 7 }],
    })
    expect(readAll(gaps).map((each) => each.offset)).toEqual([102, 107])
    expect(new RecordBatch(gaps).nextOffset).toBe(110)
    const empty = encodeBatch({ baseOffset: 100, lastOffsetDelta: 9, compression: 'none', records: [] })
    expect(readAll(empty)).toEqual([])
    expect([new RecordBatch(empty).nextOffset, new RecordBatch(empty).maxTimestamp]).toEqual([110, -1])
  })

  test('can be taken over as they are encoded', () => {
    const bytes = encodeBatch({ records: ['a', 'b', 'c'].map((each) => ({ value: Buffer.from(each) })) })
    const cursor = new RecordCursor(new RecordBatch(bytes), MEGABYTE)
    const kept: Buffer[] = []
    while (cursor.advance()) if (cursor.offsetDelta !== 1) kept.push(cursor.bytes)
    const rest = assembleBatch({ compression: 'lz4' }, Buffer.concat(kept), {
      recordsCount: 2,
      lastOffsetDelta: 2,
      maxTimestamp: 0,
    })
    expect(readAll(rest).map((each) => [each.offset, String(each.value)])).toEqual([
      [0, 'a'],
      [2, 'c'],
    ])
  })
})

describe('timestamp deltas', () => {
  test('survive up to 2^53 either way, in as many bytes as were counted', () => {
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer()), (timestampDelta) => {
        const bytes = Buffer.alloc(10)
        expect(writeVarlong(bytes, timestampDelta, 0)).toBe(sizeOfVarlong(timestampDelta))
        expect(readAll(encodeBatch({ records: [{ timestampDelta }] }))[0]?.timestamp).toBe(timestampDelta)
      }),
    )
  })

  test('saturate at 64 bits', () => {
    for (const [delta, hex] of [
      [2 ** 63, 'feffffffffffffffff01'],
      [-(2 ** 63), 'ffffffffffffffffff01'],
    ] as const) {
      const bytes = Buffer.alloc(10)
      expect(writeVarlong(bytes, delta, 0)).toBe(10)
      expect(bytes.toString('hex')).toBe(hex)
      expect(readAll(batchAround(record(0, ...bytes, 0, 1, 1, 0), { recordsCount: 1 }))[0]?.timestamp).toBe(
        delta,
      )
    }
  })
})

describe('a batch is refused', () => {
  const good = record(0, 0, 0, 1, 1, 0)

  test.each<[what: string, batch: Buffer, message: string]>([
    [
      'with fewer records than declared',
      batchAround(good, { recordsCount: 2 }),
      '1 records where 2 were declared',
    ],
    [
      'with bytes after the last record',
      batchAround(Buffer.concat([good, good]), { recordsCount: 1 }),
      '7 bytes after',
    ],
    ['with a negative count', batchAround(good, { recordsCount: -1 }), 'a count of -1 records'],
    [
      'when a record reaches over the end',
      batchAround(good.subarray(0, 6), { recordsCount: 1 }),
      'a record of 6 bytes, 5',
    ],
    [
      'when a record has a negative size',
      batchAround(Buffer.from([1]), { recordsCount: 1 }),
      'a record of -1 bytes',
    ],
    ['when a record has no body', batchAround(record(), { recordsCount: 1 }), 'without a body'],
    ['when a record ends early', batchAround(record(0, 0), { recordsCount: 1 }), 'ends inside a number'],
    [
      'when a key reaches over the record',
      batchAround(record(0, 0, 0, 8, 1, 0), { recordsCount: 1 }),
      'a key of 4 bytes, 2',
    ],
    [
      'when a value reaches over the record',
      batchAround(record(0, 0, 0, 1, 8, 0), { recordsCount: 1 }),
      'a value of 4 bytes, 1',
    ],
    [
      'with a negative count of headers',
      batchAround(record(0, 0, 0, 1, 1, 1), { recordsCount: 1 }),
      'a count of -1 headers',
    ],
    [
      'with more headers than bytes',
      batchAround(record(0, 0, 0, 1, 1, 8, 0, 1), { recordsCount: 1 }),
      'a count of 4 headers',
    ],
    [
      'with a null header key',
      batchAround(record(0, 0, 0, 1, 1, 2, 1, 1), { recordsCount: 1 }),
      'a header key of -1',
    ],
    [
      'with bytes after the headers',
      batchAround(record(0, 0, 0, 1, 1, 0, 9), { recordsCount: 1 }),
      '1 bytes after the headers',
    ],
    [
      'when an offset comes twice',
      batchAround(Buffer.concat([good, good]), { recordsCount: 2 }),
      'offset delta 0, not in 1..1',
    ],
    [
      'when an offset is beyond the last',
      batchAround(record(0, 0, 2, 1, 1, 0), { recordsCount: 1 }),
      'offset delta 1, not in 0..0',
    ],
    [
      'when an offset lies before the batch',
      batchAround(record(0, 0, 1, 1, 1, 0), { recordsCount: 1 }),
      'offset delta -1, not',
    ],
    [
      'with a size of six bytes',
      batchAround(Buffer.alloc(9, 0x80), { recordsCount: 1 }),
      'more than five bytes',
    ],
    [
      'with a timestamp of eleven bytes',
      batchAround(record(0, ...Buffer.alloc(11, 0x80)), { recordsCount: 1 }),
      'more than ten bytes',
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => readAll(bytes)).toThrow(CorruptRecordError)
    expect(() => readAll(bytes)).toThrow(message)
  })

  test('with a codec that does not exist', () => {
    const bytes = batchAround(good, { recordsCount: 1 })
    bytes.writeInt16BE(5, 21)
    expect(() => readAll(bytes)).toThrow('unknown codec 5')
  })

  test('when it would decompress to more than allowed', () => {
    const bytes = encodeBatch({ compression: 'zstd', records: [{ value: Buffer.alloc(MEGABYTE) }] })
    expect(() => readAll(bytes)).toThrow('zstd: more than 1048576 bytes when decompressed')
  })
})

test('any damage to a batch ends in records or in a typed error', () => {
  const header = { key: 'trace', value: Buffer.from('abc') }
  const good = encodeBatch({
    producerId: 1,
    baseSequence: 0,
    records: [
      { key: Buffer.from('k'), value: Buffer.alloc(100), headers: [header] },
      { timestampDelta: 300 },
    ],
  })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (changes) => {
        const bytes = Buffer.from(good)
        for (const [at, byte] of changes) bytes[at] = byte
        if (batchFaultAt(bytes, 0) !== undefined) return
        updateBatchCrc(bytes, 0)
        try {
          for (const each of readRecords(new RecordBatch(bytes), 10_000)) each.headers.length
        } catch (error) {
          if (!(error instanceof CorruptRecordError)) throw error
        }
      },
    ),
    { numRuns: 500 },
  )
})
