/** What the comparison asks of a broker. */
import { BatchReader } from '../../src/wire/batch.ts'
import { readEndTxnMarker } from '../../src/wire/control-records.ts'
import { ErrorCode } from '../../src/wire/error-codes.ts'
import { readRecords } from '../../src/wire/record-reader.ts'
import { produceRequest, produceResponse } from '../../src/wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from '../../src/wire/schemas/01-fetch.ts'
import { listOffsetsRequest, listOffsetsResponse } from '../../src/wire/schemas/02-list-offsets.ts'
import { createTopicsRequest, createTopicsResponse } from '../../src/wire/schemas/19-create-topics.ts'
import { initProducerIdRequest, initProducerIdResponse } from '../../src/wire/schemas/22-init-producer-id.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from '../../src/wire/schemas/44-incremental-alter-configs.ts'
import { expectNone } from '../support/expect-none.ts'
import type { TestedBroker } from './brokers.ts'

const TOPIC_RESOURCE = 2
const SET = 0
const EARLIEST = -2
const LATEST = -1
const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1
const MAX_BATCH_BYTES = 16 * 1024 * 1024

export async function createTopic(
  { client, name }: TestedBroker,
  topic: string,
  configs: Readonly<Record<string, string>>,
): Promise<void> {
  const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, {
    topics: [
      {
        name: topic,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
  })
  expectNone(`${name}: ${topic}: ${topics[0]!.errorMessage}`, topics[0]!.errorCode)
}

export async function alterTopic(
  { client, name }: TestedBroker,
  topic: string,
  key: string,
  value: string,
): Promise<void> {
  const { responses } = await client.send(
    incrementalAlterConfigsRequest,
    incrementalAlterConfigsResponse,
    1,
    {
      resources: [
        {
          resourceType: TOPIC_RESOURCE,
          resourceName: topic,
          configs: [{ name: key, configOperation: SET, value }],
        },
      ],
      validateOnly: false,
    },
  )
  expectNone(`${name}: ${topic}: ${key}`, responses[0]!.errorCode)
}

export async function newProducerId({ client, name }: TestedBroker): Promise<number> {
  for (;;) {
    const answer = await client.send(initProducerIdRequest, initProducerIdResponse, 4, {
      transactionalId: null,
      transactionTimeoutMs: 1000,
    })
    if (answer.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) continue
    expectNone(`${name}: InitProducerId`, answer.errorCode)
    return answer.producerId
  }
}

/** The answer of the partition. A topic that was just made may not be led yet. */
export async function produce({ client }: TestedBroker, topic: string, records: Buffer) {
  for (;;) {
    const { responses } = await client.send(produceRequest, produceResponse, 9, {
      acks: -1,
      timeoutMs: 10_000,
      // The broker may patch what it was sent, so each gets its own.
      topicData: [{ name: topic, partitionData: [{ index: 0, records: [records] }] }],
    })
    const answer = responses[0]!.partitionResponses[0]!
    const isNew =
      answer.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION ||
      answer.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER
    if (!isNew) return answer
  }
}

export function earliestOffset(broker: TestedBroker, topic: string): Promise<number> {
  return listedOffset(broker, topic, EARLIEST, READ_UNCOMMITTED)
}

/** Where a reader of committed records ends. */
export function stableOffset(broker: TestedBroker, topic: string): Promise<number> {
  return listedOffset(broker, topic, LATEST, READ_COMMITTED)
}

async function listedOffset(
  { client, name }: TestedBroker,
  topic: string,
  timestamp: number,
  isolationLevel: number,
): Promise<number> {
  const { topics } = await client.send(listOffsetsRequest, listOffsetsResponse, 7, {
    replicaId: -1,
    isolationLevel,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp }] }],
  })
  const { errorCode, offset } = topics[0]!.partitions[0]!
  expectNone(`${name}: ${topic}: ListOffsets`, errorCode)
  return offset
}

/** Every batch from the start to the high watermark, in words that do not depend on the broker. */
export async function batchesOf(
  broker: TestedBroker,
  topic: string,
  producerIds: readonly number[],
): Promise<string[]> {
  const found: string[] = []
  let fetchOffset = await earliestOffset(broker, topic)
  for (;;) {
    const { responses } = await broker.client.send(fetchRequest, fetchResponse, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 22 }] }],
    })
    const { errorCode, highWatermark, records } = responses[0]!.partitions[0]!
    expectNone(`${broker.name}: ${topic}: Fetch`, errorCode)
    if (fetchOffset >= highWatermark) return found
    let last = fetchOffset
    for (const batch of new BatchReader(records ?? Buffer.alloc(0))) {
      if (!batch.crcIsRight()) throw new Error(`${broker.name}: ${topic}: wrong CRC at ${batch.baseOffset}`)
      const producer = batch.producerId < 0 ? 'none' : producerIds.indexOf(batch.producerId)
      // When a marker was written is each broker's own time.
      const max = batch.isControl ? 'now' : batch.maxTimestamp
      found.push(
        `batch ${batch.baseOffset}-${batch.lastOffset} codec ${batch.compressionCodec} producer ${producer} epoch ${batch.producerEpoch} sequence ${batch.baseSequence} transactional ${batch.isTransactional} max ${max} horizon ${batch.hasDeleteHorizon}`,
      )
      if (batch.isControl) found.push(`  marker ${readEndTxnMarker(batch)?.type ?? 'of nothing'}`)
      else
        for (const { offset, timestamp, key, value, headers } of readRecords(batch, MAX_BATCH_BYTES))
          found.push(`  ${offset} ${timestamp} ${key}=${value} ${headers.map((h) => `${h.key}:${h.value}`)}`)
      last = batch.nextOffset
    }
    if (last === fetchOffset) throw new Error(`${broker.name}: ${topic}: nothing at ${fetchOffset}`)
    fetchOffset = last
  }
}
