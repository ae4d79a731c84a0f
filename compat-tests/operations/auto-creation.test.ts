import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/index.ts'
import { TestClient } from '../../src/testing/test-client.ts'
import { ErrorCode } from '../../src/wire/error-codes.ts'
import { encodeBatch } from '../../src/wire/records.ts'
import { produceRequest, produceResponse } from '../../src/wire/schemas/00-produce.ts'
import { metadataRequest, metadataResponse } from '../../src/wire/schemas/03-metadata.ts'
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from '../../src/wire/schemas/10-find-coordinator.ts'
import { joinGroupRequest, joinGroupResponse } from '../../src/wire/schemas/11-join-group.ts'
import { createTopicsRequest, createTopicsResponse } from '../../src/wire/schemas/19-create-topics.ts'

const TOPICS = 200
const CLIENTS = 4

let broker: RunningBroker
beforeEach(async () => {
  broker = await startBroker({ config: { 'num.partitions': 3, 'offsets.topic.num.partitions': 4 } })
})
afterEach(() => broker.close())

const connect = () => TestClient.connect(broker.host, broker.port)

/** An error code for each partition of the topic. */
async function produceToAll(client: TestClient, topicId: string): Promise<number[]> {
  const { responses } = await client.send(produceRequest, produceResponse, 13, {
    acks: -1,
    timeoutMs: 10_000,
    topicData: [
      {
        topicId,
        partitionData: [0, 1, 2].map((index) => ({
          index,
          records: [encodeBatch({ baseTimestamp: Date.now(), records: [{ value: Buffer.from('first') }] })],
        })),
      },
    ],
  })
  return responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)
}

test('a topic that Metadata makes has leaders in that very answer, and takes a Produce at once', async () => {
  const seen = new Set<number>()
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, from) => {
      const client = await connect()
      for (let index = 0; index < TOPICS; index++) {
        // Two clients each ask for the same topic at about the same time.
        const name = `auto-${(from >> 1) * TOPICS + index}`
        const { topics } = await client.send(metadataRequest, metadataResponse, 12, {
          topics: [{ name }],
          allowAutoTopicCreation: true,
        })
        const topic = topics[0]!
        seen.add(topic.errorCode)
        expect(topic.partitions).toHaveLength(3)
        for (const partition of topic.partitions) {
          seen.add(partition.errorCode)
          expect(partition.leaderId).toBe(1)
          expect(partition.isrNodes).toEqual([1])
        }
        for (const errorCode of await produceToAll(client, topic.topicId)) seen.add(errorCode)
      }
      await client.close()
    }),
  )
  expect([...seen]).toEqual([ErrorCode.NONE])
})

test('a topic that CreateTopics made takes a Produce at once', async () => {
  const client = await connect()
  const seen = new Set<number>()
  for (let index = 0; index < TOPICS; index++) {
    const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, {
      topics: [
        { name: `made-${index}`, numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] },
      ],
      timeoutMs: 10_000,
    })
    seen.add(topics[0]!.errorCode)
    for (const errorCode of await produceToAll(client, topics[0]!.topicId)) seen.add(errorCode)
  }
  await client.close()
  expect([...seen]).toEqual([ErrorCode.NONE])
})

test('the first FindCoordinator of a new broker names one that serves the group', async () => {
  const groups = Array.from({ length: 50 }, (_, index) => `group-${index}`)
  const client = await connect()
  const found = await client.send(findCoordinatorRequest, findCoordinatorResponse, 4, {
    keyType: 0,
    coordinatorKeys: groups,
  })
  expect(found.coordinators.map(({ errorCode, nodeId }) => [errorCode, nodeId])).toEqual(
    groups.map(() => [ErrorCode.NONE, 1]),
  )
  for (const groupId of groups) {
    const { errorCode } = await client.send(joinGroupRequest, joinGroupResponse, 5, {
      groupId,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    })
    expect(errorCode).toBe(ErrorCode.MEMBER_ID_REQUIRED)
  }
  await client.close()
})
