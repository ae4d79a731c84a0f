import type { TestClient } from '../../src/testing/test-client.ts'
import { BatchReader } from '../../src/wire/batch.ts'
import { ErrorCode } from '../../src/wire/error-codes.ts'
import { readRecords } from '../../src/wire/record-reader.ts'
import { fetchRequest, fetchResponse } from '../../src/wire/schemas/01-fetch.ts'
import { listOffsetsRequest, listOffsetsResponse } from '../../src/wire/schemas/02-list-offsets.ts'
import { expectNone } from './expect-none.ts'

const EARLIEST = -2

export interface ReadRecord {
  readonly offset: number
  readonly value: string
}

export interface ReadBatch {
  readonly sizeInBytes: number
  readonly records: readonly (ReadRecord & { readonly key: string | undefined })[]
}

export interface ReadLog {
  /** Where the log began when the reading did. */
  readonly logStartOffset: number
  readonly highWatermark: number
  readonly batches: readonly ReadBatch[]
}

/** Everything below the high watermark, every batch checked by its CRC. */
export async function readPartition(
  client: TestClient,
  topic: string,
  partition: number,
): Promise<ReadRecord[]> {
  const { batches } = await readLog(client, topic, partition)
  return batches.flatMap(({ records }) => records.map(({ offset, value }) => ({ offset, value })))
}

/**
 * The batches from that of `fromOffset` on, or from the beginning of the log where that has moved further, up to the high
 * watermark, every one checked by its CRC. Throws where one is damaged, or there is none where one is due.
 */
export async function readLog(
  client: TestClient,
  topic: string,
  partition: number,
  fromOffset = 0,
): Promise<ReadLog> {
  let batches: ReadBatch[] = []
  let begun: number | undefined
  let fetchOffset = fromOffset
  for (;;) {
    const { responses } = await client.send(fetchRequest, fetchResponse, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
    })
    const { errorCode, highWatermark, logStartOffset, records } = responses[0]!.partitions[0]!
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      const earliest = await earliestOffset(client, topic, partition)
      if (earliest > fetchOffset) {
        // Retention has taken what was to be read next.
        batches = []
        begun = undefined
        fetchOffset = earliest
        continue
      }
    }
    expectNone(`${topic}-${partition} at ${fetchOffset}`, errorCode)
    begun ??= logStartOffset
    if (fetchOffset >= highWatermark) return { logStartOffset: begun, highWatermark, batches }
    const before = batches.length
    for (const batch of new BatchReader(records ?? Buffer.alloc(0))) {
      if (!batch.crcIsRight()) throw new Error(`${topic}-${partition}: wrong CRC at ${batch.baseOffset}`)
      const found = [...readRecords(batch, 1 << 20)].filter(({ offset }) => offset >= fetchOffset)
      batches.push({
        sizeInBytes: batch.sizeInBytes,
        records: found.map(({ offset, key, value }) => ({
          offset,
          key: key?.toString(),
          value: value?.toString() ?? '',
        })),
      })
      fetchOffset = batch.nextOffset
    }
    if (batches.length === before)
      throw new Error(`${topic}-${partition}: nothing at ${fetchOffset} of ${highWatermark}`)
  }
}

export async function earliestOffset(client: TestClient, topic: string, partition: number): Promise<number> {
  const { topics } = await client.send(listOffsetsRequest, listOffsetsResponse, 7, {
    replicaId: -1,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: EARLIEST }] }],
  })
  const { errorCode, offset } = topics[0]!.partitions[0]!
  expectNone(`${topic}-${partition}`, errorCode)
  return offset
}
