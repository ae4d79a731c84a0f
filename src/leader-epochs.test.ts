import { afterEach, describe, expect, it } from 'vitest'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TestClient } from './testing/test-client.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { encodeBatch } from './wire/records.ts'
import { produceRequest, produceResponse } from './wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from './wire/schemas/01-fetch.ts'
import { listOffsetsRequest, listOffsetsResponse } from './wire/schemas/02-list-offsets.ts'
import { metadataRequest, metadataResponse } from './wire/schemas/03-metadata.ts'
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from './wire/schemas/23-offset-for-leader-epoch.ts'

const TOPIC = 'epochs'
const LATEST = -1
const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

async function start(fs: MemoryFileSystem) {
  const broker = await startTestBroker(fs)
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  const client = await TestClient.connect(host, port)
  running.push({ close: () => client.close() })
  return { broker, client, port }
}

async function metadata(client: TestClient) {
  const answer = await client.send(metadataRequest, metadataResponse, 12, {
    topics: [{ name: TOPIC }],
    includeTopicAuthorizedOperations: false,
  })
  return answer.topics[0]!
}

async function append(client: TestClient, topicId: string, value: string) {
  const records = encodeBatch({ baseTimestamp: 1_700_000_000_000, records: [{ value: Buffer.from(value) }] })
  const answer = await client.send(produceRequest, produceResponse, 13, {
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ topicId, partitionData: [{ index: 0, records }] }],
  })
  expect(answer.responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE)
}

function fetchAt(client: TestClient, version: number, topicId: string, position: object) {
  return client.send(fetchRequest, fetchResponse, version, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [
      {
        ...(version >= 13 ? { topicId } : { topic: TOPIC }),
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000, ...position }],
      },
    ],
    forgottenTopicsData: [],
  })
}

async function listLatest(client: TestClient, currentLeaderEpoch: number) {
  const answer = await client.send(listOffsetsRequest, listOffsetsResponse, 9, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, currentLeaderEpoch, timestamp: LATEST }] }],
  })
  return answer.topics[0]!.partitions[0]!
}

async function endOfEpoch(client: TestClient, leaderEpoch: number, currentLeaderEpoch = -1) {
  const answer = await client.send(offsetForLeaderEpochRequest, offsetForLeaderEpochResponse, 4, {
    replicaId: -1,
    topics: [{ topic: TOPIC, partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }],
  })
  return answer.topics[0]!.partitions[0]!
}

/** A broker that was killed after a record in epoch 0, and took one more in the epoch that followed. */
async function afterKill() {
  const fs = new MemoryFileSystem()
  const first = await start(fs)
  const { topicId } = await metadata(first.client)
  await append(first.client, topicId, 'before')
  await first.broker.close()
  fs.removeFile('/data/.kafka_cleanshutdown')
  const second = await start(fs)
  await append(second.client, topicId, 'after')
  return { ...second, topicId }
}

describe('after a stop that was not clean', () => {
  it('Metadata, Fetch, ListOffsets and OffsetForLeaderEpoch name the same, higher leader epoch', async () => {
    const { client, topicId } = await afterKill()
    expect((await metadata(client)).partitions[0]!.leaderEpoch).toBe(1)
    expect(await listLatest(client, 1)).toMatchObject({ errorCode: 0, offset: 2, leaderEpoch: 1 })
    expect(await endOfEpoch(client, 0, 1)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 1 })
    expect(await endOfEpoch(client, 1, 1)).toMatchObject({ errorCode: 0, leaderEpoch: 1, endOffset: 2 })
    const { responses } = await fetchAt(client, 18, topicId, { currentLeaderEpoch: 1 })
    expect(responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 2 })
  })

  it('who comes with the old leader epoch is refused, and told of the leader where the version can', async () => {
    const { client, topicId, port } = await afterKill()
    expect((await listLatest(client, 0)).errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH)
    expect((await endOfEpoch(client, 0, 0)).errorCode).toBe(ErrorCode.FENCED_LEADER_EPOCH)
    for (const version of [9, 12, 13, 16, 18]) {
      const answer = await fetchAt(client, version, topicId, { currentLeaderEpoch: 0 })
      expect(answer.responses[0]!.partitions[0]).toMatchObject({
        errorCode: ErrorCode.FENCED_LEADER_EPOCH,
        currentLeader: version >= 12 ? { leaderId: 1, leaderEpoch: 1 } : { leaderId: -1, leaderEpoch: -1 },
      })
      expect(answer.nodeEndpoints).toEqual(
        version >= 16 ? [{ nodeId: 1, host: '127.0.0.1', port, rack: null }] : [],
      )
    }
  })

  it('who has read more of an epoch than there is learns where it ends', async () => {
    const { client, topicId } = await afterKill()
    const { responses } = await fetchAt(client, 18, topicId, { fetchOffset: 7, lastFetchedEpoch: 0 })
    expect(responses[0]!.partitions[0]).toMatchObject({
      errorCode: 0,
      divergingEpoch: { epoch: 0, endOffset: 1 },
      records: Buffer.alloc(0),
    })
  })
})
