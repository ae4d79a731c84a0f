import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { describeBatches } from '../testing/describe-batches.ts'
import { BatchReader, type RecordBatch } from './batch.ts'
import {
  type CompressionType,
  compress,
  compressionTypeOf,
  compressionTypes,
  decompress,
} from './compression.ts'
import { encodeEndTxnMarkerBatch, readEndTxnMarker } from './control-records.ts'
import { readRecords } from './record-reader.ts'
import { assembleBatch, type BatchHeaderInput, encodeBatch } from './records.ts'

// Bytes that Kafka's own classes wrote; compat-tests/java/fixtures makes them.
const directory = new URL('./fixtures/java/batches/', import.meta.url)
const names = readdirSync(directory)
  .filter((file) => file.endsWith('.bin'))
  .map((file) => file.slice(0, -'.bin'.length))
const MAX_BYTES = 1024 * 1024

function bytesOf(name: string): Buffer {
  return readFileSync(new URL(`${name}.bin`, directory))
}

function batchesOf(name: string): RecordBatch[] {
  return [...new BatchReader(bytesOf(name))]
}

function headerOf(batch: RecordBatch): BatchHeaderInput & { compression: CompressionType } {
  const { baseOffset, partitionLeaderEpoch, timestampType, baseTimestamp, producerId, producerEpoch } = batch
  const { baseSequence, isTransactional, isControl, hasDeleteHorizon } = batch
  return {
    ...{ baseOffset, partitionLeaderEpoch, timestampType, baseTimestamp, producerId, producerEpoch },
    ...{ baseSequence, isTransactional, isControl, hasDeleteHorizon },
    compression: compressionTypeOf(batch.compressionCodec) ?? 'none',
  }
}

function rewritten(batch: RecordBatch): Buffer {
  return encodeBatch({
    ...headerOf(batch),
    maxTimestamp: batch.maxTimestamp,
    lastOffsetDelta: batch.lastOffsetDelta,
    records: [...readRecords(batch, MAX_BYTES)].map((record, index) => ({
      ...record,
      offsetDelta: record.offset - batch.baseOffset,
      // Under LogAppendTime the record's own timestamp is hidden behind the batch's, so it is told here.
      timestampDelta:
        batch.timestampType === 'LogAppendTime'
          ? [0, 10, -5, 100_000, 1][index]!
          : record.timestamp - batch.baseTimestamp,
    })),
  })
}

test('there are fixtures of every codec and kind', () => {
  expect(names).toEqual(expect.arrayContaining(compressionTypes.map((type) => `codec-${type}`)))
  expect(names.length).toBeGreaterThan(25)
})

describe.each(names)("Kafka's batches '%s'", (name) => {
  test('are read as Kafka reads them', () => {
    const described: unknown = JSON.parse(readFileSync(new URL(`${name}.json`, directory), 'utf8'))
    expect(describeBatches(bytesOf(name))).toEqual(described)
  })

  test('are written again byte for byte, where compression leaves no choice', () => {
    for (const batch of batchesOf(name)) {
      const again = rewritten(batch)
      const type = compressionTypeOf(batch.compressionCodec)!
      if (type === 'none') expect(again.equals(batch.bytes)).toBe(true)
      else {
        const [ours] = [...new BatchReader(again)]
        const content = decompress(type, batch.recordsPayload, MAX_BYTES)
        expect(decompress(type, ours!.recordsPayload, MAX_BYTES).equals(content)).toBe(true)
        const header = headerOf(batch)
        const summary = {
          recordsCount: batch.recordsCount,
          lastOffsetDelta: batch.lastOffsetDelta,
          maxTimestamp: batch.maxTimestamp,
        }
        expect(assembleBatch(header, content, summary).equals(again)).toBe(true)
      }
    }
  })
})

describe('containers', () => {
  test("lz4 frames and snappy containers have Java's header, byte for byte", () => {
    for (const [type, headerBytes] of [
      ['lz4', 7],
      ['snappy', 16],
    ] as const) {
      const [batch] = batchesOf(`codec-${type}-large`)
      const content = decompress(type, batch!.recordsPayload, MAX_BYTES)
      const ours = compress(type, content).subarray(0, headerBytes)
      expect(ours.toString('hex')).toBe(batch!.recordsPayload.subarray(0, headerBytes).toString('hex'))
    }
  })
})

describe('end-of-transaction markers', () => {
  test.each(['ABORT', 'COMMIT'] as const)("are read and written as Kafka's (%s)", (type) => {
    const [batch] = batchesOf(`marker-${type.toLowerCase()}`)
    expect(readEndTxnMarker(batch!)).toEqual({ type, coordinatorEpoch: 12 })
    const ours = encodeEndTxnMarkerBatch({
      marker: { type, coordinatorEpoch: 12 },
      producerId: 4712,
      producerEpoch: 0,
      timestamp: 1_700_000_000_000,
      baseOffset: 82,
      partitionLeaderEpoch: 7,
    })
    expect(ours.equals(batch!.bytes)).toBe(true)
  })

  test('are not what a leader change is', () => {
    expect(readEndTxnMarker(batchesOf('leader-change')[0]!)).toBeUndefined()
  })
})

test('a leader that sets LogAppendTime leaves the bytes that Kafka leaves', () => {
  for (const type of compressionTypes) {
    const [theirs] = batchesOf(`codec-${type}-log-append-time`)
    const [ours] = batchesOf(`codec-${type}`)
    ours!.setBaseOffset(3)
    ours!.setPartitionLeaderEpoch(2)
    ours!.setLogAppendTime(1_700_000_000_777)
    expect(ours!.bytes.equals(theirs!.bytes)).toBe(true)
  }
})
