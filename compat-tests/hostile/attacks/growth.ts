/** Requests that are small and right, each with a name of its own, or with one number that is absurd. */
import { newTopic } from '../../../src/testing/new-topic.ts'
import type { TestClient } from '../../../src/testing/test-client.ts'
import { encodeBatch } from '../../../src/wire/records.ts'
import { produceRequest, produceResponse } from '../../../src/wire/schemas/00-produce.ts'
import { metadataRequest, metadataResponse } from '../../../src/wire/schemas/03-metadata.ts'
import { offsetCommitRequest, offsetCommitResponse } from '../../../src/wire/schemas/08-offset-commit.ts'
import { joinGroupRequest, joinGroupResponse } from '../../../src/wire/schemas/11-join-group.ts'
import { createTopicsRequest, createTopicsResponse } from '../../../src/wire/schemas/19-create-topics.ts'
import { deleteRecordsRequest, deleteRecordsResponse } from '../../../src/wire/schemas/21-delete-records.ts'
import {
  initProducerIdRequest,
  initProducerIdResponse,
} from '../../../src/wire/schemas/22-init-producer-id.ts'
import {
  describeLogDirsRequest,
  describeLogDirsResponse,
} from '../../../src/wire/schemas/35-describe-log-dirs.ts'
import {
  createPartitionsRequest,
  createPartitionsResponse,
} from '../../../src/wire/schemas/37-create-partitions.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from '../../../src/wire/schemas/44-incremental-alter-configs.ts'
import type { Attack, AttackContext } from '../attack.ts'
import { requestFrame } from '../frames.ts'
import { createTopics, deleteTopics } from '../topics.ts'

const CONNECTIONS = 8
const TOPIC = 'hostile-growth'
const LONG = 'm'.repeat(30_000)
const TIMEOUT_MS = 10_000

type Blow = (client: TestClient, number: number) => Promise<unknown>

async function removeTopic(context: AttackContext): Promise<void> {
  await deleteTopics(await context.client(), [TOPIC])
}

/** The blows one after the other on some connections, numbered through. */
function loop(name: string, blows: readonly Blow[]): Attack {
  return {
    name,
    takesTime: true,
    async prepare(context) {
      await removeTopic(context)
      await createTopics(await context.client(), [TOPIC])
    },
    async run(context) {
      // Numbers that no attempt before had.
      let number = Math.floor(performance.now()) * 1000
      const work = async () => {
        let client = await context.client()
        while (!context.isOver()) {
          await blows[number % blows.length]!(client, number++).catch(async (error: unknown) => {
            // One whose connection was closed goes on with another.
            if (!client.isEnded) throw error
            client = await context.client()
          })
        }
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, work))
    },
    cleanUp: removeTopic,
  }
}

function commit(client: TestClient, groupId: string, committedMetadata: string): Promise<unknown> {
  return client.send(offsetCommitRequest, offsetCommitResponse, 8, {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    groupInstanceId: null,
    topics: [
      {
        name: TOPIC,
        partitions: [{ partitionIndex: 0, committedOffset: 1n, committedLeaderEpoch: -1, committedMetadata }],
      },
    ],
  })
}

function initProducerId(client: TestClient, transactionalId: string | null): Promise<unknown> {
  return client.send(initProducerIdRequest, initProducerIdResponse, 4, {
    transactionalId,
    transactionTimeoutMs: 1000,
  })
}

function produce(client: TestClient, records: Buffer): Promise<unknown> {
  return client.send(produceRequest, produceResponse, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }],
  })
}

/** Each of them is kept for a while: groups, transactional ids, producers. */
export const newNames = loop('a group, transaction or producer in each request', [
  (client, number) => commit(client, `hostile-group-${number}`, ''),
  (client) => initProducerId(client, null),
  (client, number) => initProducerId(client, `hostile-transaction-${number}`),
  (client, number) =>
    produce(
      client,
      encodeBatch({
        producerId: number,
        producerEpoch: 0,
        baseSequence: 0,
        baseTimestamp: Date.now(),
        records: [{ value: Buffer.alloc(10) }],
      }),
    ),
  (client, number) =>
    client.send(metadataRequest, metadataResponse, 12, {
      topics: [{ name: `${'t'.repeat(249)}${number}` }],
      allowAutoTopicCreation: true,
    }),
])

const manyHeaders = Array.from({ length: 10_000 }, () => ({ key: 'h', value: Buffer.alloc(50) }))

function absurdCount(): Buffer {
  const batch = encodeBatch({ baseTimestamp: Date.now(), records: [{ value: Buffer.alloc(10) }] })
  batch.writeInt32BE(2 ** 31 - 1, 57)
  return batch
}

export const absurdNumbers = loop('absurd counts and sizes in valid requests', [
  (client, number) =>
    client.send(createTopicsRequest, createTopicsResponse, 7, {
      topics: [newTopic(`hostile-${number}`, 100_000)],
      timeoutMs: TIMEOUT_MS,
    }),
  (client) =>
    client.send(createPartitionsRequest, createPartitionsResponse, 3, {
      topics: [{ name: TOPIC, count: 1_000_000, assignments: null }],
      timeoutMs: TIMEOUT_MS,
      validateOnly: false,
    }),
  (client) => commit(client, 'hostile-metadata', LONG),
  (client) =>
    client.send(incrementalAlterConfigsRequest, incrementalAlterConfigsResponse, 1, {
      resources: [
        {
          resourceType: 2,
          resourceName: TOPIC,
          configs: [{ name: 'retention.ms', configOperation: 0, value: '9'.repeat(30_000) }],
        },
      ],
      validateOnly: false,
    }),
  (client) => produce(client, absurdCount()),
  (client) =>
    produce(client, encodeBatch({ baseTimestamp: Date.now(), records: [{ headers: manyHeaders }] })),
  (client) =>
    client.send(deleteRecordsRequest, deleteRecordsResponse, 2, {
      topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, offset: -1 }] }],
      timeoutMs: TIMEOUT_MS,
    }),
  (client) => client.send(describeLogDirsRequest, describeLogDirsResponse, 4, { topics: null }),
  (client, number) =>
    client.send(joinGroupRequest, joinGroupResponse, 3, {
      groupId: `hostile-large-${number % 4}`,
      sessionTimeoutMs: 200,
      rebalanceTimeoutMs: 200,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(1_000_000) }],
    }),
])

const FRAMES = 1000

export const pipelined: Attack = {
  name: 'thousands of requests at once, answers unread',
  takesTime: true,
  async run(context) {
    const frame = requestFrame(metadataRequest, 12, { topics: [] })
    const frames = Buffer.concat(Array.from({ length: FRAMES }, () => frame))
    const work = async () => {
      while (!context.isOver()) {
        const peer = await context.peer({ reads: false })
        while (!peer.isClosed && !context.isOver()) await peer.send(frames)
      }
    }
    await Promise.all(Array.from({ length: 50 }, work))
  },
}
