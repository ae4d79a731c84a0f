/** What comes and goes: connections, fetch sessions, topics, administrators, readers of old data. */
import { setTimeout as delay } from 'node:timers/promises'
import { newTopic } from '../../../src/testing/new-topic.ts'
import type { SeededRandom } from '../../../src/testing/seeded-random.ts'
import { TestClient } from '../../../src/testing/test-client.ts'
import { encodeBatch } from '../../../src/wire/records.ts'
import { produceRequest, produceResponse } from '../../../src/wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from '../../../src/wire/schemas/01-fetch.ts'
import { metadataRequest, metadataResponse } from '../../../src/wire/schemas/03-metadata.ts'
import { createTopicsRequest, createTopicsResponse } from '../../../src/wire/schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from '../../../src/wire/schemas/20-delete-topics.ts'
import type { CompatClient, Compression } from '../../support/client.ts'
import { expectNone } from '../../support/expect-none.ts'
import { readLog } from '../../support/read-partition.ts'
import { Activity } from '../activity.ts'
import type { Place } from '../place.ts'

const CONNECTIONS = 5

/** Some close, some end in the middle of a frame, some wait in a fetch and leave a session behind. */
export function connections(place: Place, topic: string, random: SeededRandom, restMs: number): Activity {
  const one = async () => {
    const client = await TestClient.connect(place.host, place.port, 'passing')
    const { topics } = await client.send(metadataRequest, metadataResponse, 12, { topics: [{ name: topic }] })
    expectNone('Metadata', topics![0]!.errorCode)
    if (random.chance(0.3)) client.sendRaw(Buffer.from([0, 0, 1, 0, 0, 1]))
    else if (random.chance(0.5)) await fetchInSession(client, topic, random)
    await client.close()
  }
  return new Activity('connections', restMs, async () => {
    await Promise.all(Array.from({ length: CONNECTIONS }, one))
  })
}

/** So that the broker still waits for it when the connection ends. */
const NEVER_BYTES = 2 ** 31 - 1

async function fetchInSession(client: TestClient, topic: string, random: SeededRandom): Promise<void> {
  const fetch = { maxWaitMs: 10_000, minBytes: NEVER_BYTES, maxBytes: 1 << 20 }
  const { errorCode, sessionId } = await client.send(fetchRequest, fetchResponse, 12, {
    ...fetch,
    maxWaitMs: 0,
    sessionId: 0,
    sessionEpoch: 0,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
  })
  expectNone('Fetch', errorCode)
  client.sendOneWay(fetchRequest, 12, { ...fetch, sessionId, sessionEpoch: 1, topics: [] })
  await delay(random.integer(0, 200))
}

const TOPICS_AT_ONCE = 10

/** Topics of two partitions that are made, written to and deleted. */
export function topics(place: Place, restMs: number, lifeMs: number): Activity {
  let count = 0
  return new Activity('topics', restMs, async () => {
    const names = Array.from({ length: TOPICS_AT_ONCE }, () => `passing-${count++}`)
    const client = await TestClient.connect(place.host, place.port, 'topics')
    try {
      const created = await client.send(createTopicsRequest, createTopicsResponse, 7, {
        topics: names.map((name) => newTopic(name, 2)),
        timeoutMs: 10_000,
      })
      for (const { name, errorCode } of created.topics) expectNone(`CreateTopics ${name}`, errorCode)
      for (const name of names) {
        const records = encodeBatch({ baseTimestamp: Date.now(), records: [{ value: Buffer.alloc(100, 1) }] })
        const { responses } = await client.send(produceRequest, produceResponse, 9, {
          acks: -1,
          timeoutMs: 10_000,
          topicData: [{ name, partitionData: [{ index: 0, records: [records] }] }],
        })
        expectNone(`Produce to ${name}`, responses[0]!.partitionResponses[0]!.errorCode)
      }
      await delay(lifeMs)
      const deleted = await client.send(deleteTopicsRequest, deleteTopicsResponse, 5, {
        topicNames: names,
        timeoutMs: 10_000,
      })
      for (const { name, errorCode } of deleted.responses) expectNone(`DeleteTopics ${name}`, errorCode)
    } finally {
      await client.close()
    }
  })
}

/** A round of what an administrator does, with a client library. */
export function administrator(client: CompatClient, place: Place, topic: string, restMs: number): Activity {
  let count = 0
  const who = client.name.replace(/\W/g, '')
  return new Activity(`administrator by ${client.name}`, restMs, async () => {
    const admin = await client.admin(`${place.host}:${place.port}`)
    try {
      const own = `admin-${who}-${count++}`
      await admin.createTopic(own, 1, { 'retention.ms': '1000' })
      await admin.setTopicConfig(own, 'segment.ms', '60000')
      const { value } = await admin.topicConfig(own, 'segment.ms')
      if (value !== '60000') throw new Error(`segment.ms of ${own} is ${value}`)
      await admin.addPartitions(own, 3)
      const [end = 0] = await admin.endOffsets(topic)
      await admin.offsetsAt(topic, Date.now() - 5000)
      await admin.deleteRecords(topic, 0, Math.max(0, end - 500))
      await admin.groups()
      await admin.deleteTopic(own)
    } finally {
      await admin.close()
    }
  })
}

/** Reads everything that a topic has, from its beginning, every batch checked. */
export function oldDataReader(place: Place, topicNames: readonly string[], restMs: number): Activity {
  return new Activity('readers of old data', restMs, async () => {
    for (const topic of topicNames) {
      const client = await TestClient.connect(place.host, place.port, 'old-data')
      try {
        await readLog(client, topic, 0)
      } finally {
        await client.close()
      }
    }
  })
}

const BATCH = 20

/** Sends keyed records to all partitions by a client library. */
export async function libraryProducer(
  client: CompatClient,
  place: Place,
  topic: string,
  options: { readonly compression: Compression; readonly acks: 0 | 1 | -1; readonly isIdempotent: boolean },
  restMs: number,
): Promise<Activity> {
  const { compression, acks, isIdempotent: idempotent } = options
  const bootstrapServers = `${place.host}:${place.port}`
  const producer = await client.producer({ bootstrapServers, compression, acks, idempotent })
  let count = 0
  const step = async () => {
    const messages = Array.from({ length: BATCH }, () => ({
      key: `key-${count++ % 1000}`,
      value: Buffer.alloc(200, count % 256),
    }))
    await producer.send(topic, messages)
  }
  return new Activity(`producer by ${client.name}, ${compression}`, restMs, step, () => producer.close())
}
