import type { TestClient } from '../../src/testing/test-client.ts'
import { BatchReader } from '../../src/wire/batch.ts'
import { ErrorCode, errorName } from '../../src/wire/error-codes.ts'
import { readRecords } from '../../src/wire/record-reader.ts'
import { fetchRequest, fetchResponse } from '../../src/wire/schemas/01-fetch.ts'

export interface ReadRecord {
  readonly offset: number
  readonly value: string
}

/** Everything below the high watermark, every batch checked by its CRC. */
export async function readPartition(
  client: TestClient,
  topic: string,
  partition: number,
): Promise<ReadRecord[]> {
  const found: ReadRecord[] = []
  let fetchOffset = 0
  for (;;) {
    const { responses } = await client.send(fetchRequest, fetchResponse, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
    })
    const { errorCode, highWatermark, records } = responses[0]!.partitions[0]!
    if (errorCode !== ErrorCode.NONE) throw new Error(`${topic}-${partition}: ${errorName(errorCode)}`)
    if (fetchOffset >= highWatermark) return found
    const reader = new BatchReader(records ?? Buffer.alloc(0))
    let batches = 0
    for (const batch of reader) {
      if (!batch.crcIsRight()) throw new Error(`${topic}-${partition}: wrong CRC at ${batch.baseOffset}`)
      for (const record of readRecords(batch, 1 << 20)) {
        if (record.offset < fetchOffset) continue
        found.push({ offset: record.offset, value: record.value?.toString() ?? '' })
      }
      fetchOffset = batch.nextOffset
      batches++
    }
    if (batches === 0) throw new Error(`${topic}-${partition}: nothing at ${fetchOffset} of ${highWatermark}`)
  }
}
