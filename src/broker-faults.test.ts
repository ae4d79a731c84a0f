/** A broker whose disk fails, whose internal topics are taken away, and that is asked for too much. */

import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from './base/clock.ts'
import { silentLogger } from './base/logger.ts'
import { systemRandom } from './base/random.ts'
import type { Broker } from './broker.ts'
import { EmbeddedStore } from './cluster/metadata/embedded-store.ts'
import { updateMetadata } from './cluster/metadata/store.ts'
import { CHANGING_OPERATIONS, FaultyFileSystem } from './logstore/faulty-fs.ts'
import type { FileSystem } from './logstore/file-system.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { StartError } from './start-error.ts'
import { faultStride } from './testing/depth.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TestClient } from './testing/test-client.ts'
import { BatchReader } from './wire/batch.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { RecordCursor } from './wire/record-reader.ts'
import { encodeBatch } from './wire/records.ts'
import { produceRequest, produceResponse } from './wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from './wire/schemas/01-fetch.ts'
import { metadataRequest, metadataResponse } from './wire/schemas/03-metadata.ts'
import { offsetCommitRequest, offsetCommitResponse } from './wire/schemas/08-offset-commit.ts'
import { offsetFetchRequest, offsetFetchResponse } from './wire/schemas/09-offset-fetch.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from './wire/schemas/10-find-coordinator.ts'
import { listGroupsRequest, listGroupsResponse } from './wire/schemas/16-list-groups.ts'
import { createTopicsRequest, createTopicsResponse } from './wire/schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from './wire/schemas/20-delete-topics.ts'
import { describeConfigsRequest, describeConfigsResponse } from './wire/schemas/32-describe-configs.ts'
import { createPartitionsRequest, createPartitionsResponse } from './wire/schemas/37-create-partitions.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from './wire/schemas/44-incremental-alter-configs.ts'
import { updateFeaturesRequest, updateFeaturesResponse } from './wire/schemas/57-update-features.ts'
import {
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from './wire/schemas/68-consumer-group-heartbeat.ts'

const OFFSETS_TOPIC = '__consumer_offsets'

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

async function start(fs: FileSystem = new MemoryFileSystem(), overrides: Record<string, string> = {}) {
  const broker = await startTestBroker(fs, {
    overrides: { 'offsets.topic.num.partitions': '2', ...overrides },
  })
  running.push(broker)
  return broker
}

async function connect(broker: Broker) {
  const { host, port } = broker.listeners[0]!
  const client = await TestClient.connect(host, port)
  running.push({ close: () => client.close() })
  return client
}

async function startWithClient(fs?: FileSystem, overrides?: Record<string, string>) {
  return connect(await start(fs, overrides))
}

function describeTopics(client: TestClient, ...names: string[]) {
  const input = { topics: names.map((name) => ({ name })), allowAutoTopicCreation: true }
  return client.send(metadataRequest, metadataResponse, 9, input)
}

async function makeTopic(client: TestClient, name: string, numPartitions = 1) {
  const input = {
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 1000,
  }
  const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, input)
  return topics[0]!
}

async function deleteTopic(client: TestClient, name: string) {
  const input = { topics: [{ name }], timeoutMs: 1000 }
  const { responses } = await client.send(deleteTopicsRequest, deleteTopicsResponse, 6, input)
  return responses[0]!.errorCode
}

async function produce(client: TestClient, topic: string, value = 'v') {
  const records = encodeBatch({ baseTimestamp: 1, records: [{ value: Buffer.from(value) }] })
  const { responses } = await client.send(produceRequest, produceResponse, 9, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
  return responses[0]!.partitionResponses[0]!
}

async function fetchFromStart(client: TestClient, ...topics: string[]) {
  const answer = await client.send(fetchRequest, fetchResponse, 12, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: topics.map((topic) => ({
      topic,
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1024 * 1024 }],
    })),
  })
  return { errorCode: answer.errorCode, topics: answer.responses }
}

function valuesOf(records: Buffer | null): string[] {
  const values: string[] = []
  for (const batch of new BatchReader(records ?? Buffer.alloc(0))) {
    for (const cursor = new RecordCursor(batch, 1000); cursor.advance(); ) values.push(String(cursor.value))
  }
  return values
}

async function commitOffset(client: TestClient, groupId: string, topic: string, offset: bigint) {
  const { topics } = await client.send(offsetCommitRequest, offsetCommitResponse, 8, {
    groupId,
    topics: [
      { name: topic, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] },
    ],
  })
  return topics[0]!.partitions[0]!.errorCode
}

async function committedOffset(client: TestClient, groupId: string, topic: string) {
  const { topics } = await client.send(offsetFetchRequest, offsetFetchResponse, 7, {
    groupId,
    topics: [{ name: topic, partitionIndexes: [0] }],
  })
  return topics[0]!.partitions[0]!.committedOffset
}

describe('a disk that fails during the start', () => {
  it('ends every start in one line for the operator, and lets go of the data', async () => {
    const faulty = () => new FaultyFileSystem(new MemoryFileSystem())
    const count = faulty()
    const counted = count.inject({ operations: CHANGING_OPERATIONS })
    await (await start(count)).close()
    const outcomes: string[] = []
    for (let after = 0; after < counted.calls; after += faultStride) {
      const fs = faulty()
      const fault = fs.inject({ operations: CHANGING_OPERATIONS, code: 'ENOSPC', after })
      const outcome = await start(fs).then(
        async (broker) => {
          await broker.close()
          return 'started'
        },
        (error: unknown) => (error instanceof StartError ? 'refused' : `${after}: ${error}`),
      )
      if (outcome !== 'started' && outcome !== 'refused') outcomes.push(outcome)
      fault.remove()
      await (await start(fs)).close()
    }
    expect(outcomes).toEqual([])
  })
})

describe('a broker that is killed at any change to the disk', () => {
  /** What is done, and what of it was acknowledged before the disk stood still. */
  async function run(fs: FileSystem) {
    const done = { made: 0, deleted: 0, records: [] as string[] }
    const broker = await start(fs).catch(() => undefined)
    if (broker === undefined) return done
    const client = await connect(broker)
    for (const round of [1, 2]) {
      if ((await makeTopic(client, 't', 2)).errorCode !== ErrorCode.NONE) break
      done.made = round
      done.records = []
      for (const value of [`${round}a`, `${round}b`]) {
        if ((await produce(client, 't', value)).errorCode === ErrorCode.NONE) done.records.push(value)
      }
      if (round === 2 || (await deleteTopic(client, 't')) !== ErrorCode.NONE) break
      done.deleted = round
      done.records = []
    }
    await broker.close()
    return done
  }

  it('has what it acknowledged, and nothing of a topic that was deleted', async () => {
    const counting = new FaultyFileSystem(new MemoryFileSystem())
    const all = counting.inject({ operations: CHANGING_OPERATIONS })
    expect(await run(counting)).toEqual({ made: 2, deleted: 1, records: ['2a', '2b'] })
    expect(all.calls).toBeGreaterThan(50)
    for (let after = 0; after < all.calls; after += faultStride) {
      const disk = new MemoryFileSystem()
      const fs = new FaultyFileSystem(disk)
      fs.inject({ operations: CHANGING_OPERATIONS, code: 'EIO', after })
      const done = await run(fs)
      disk.kill()
      const client = await startWithClient(disk)
      const { topics } = await describeTopics(client, 't')
      expect(topics[0]!.errorCode).toBe(ErrorCode.NONE)
      const { topics: fetched } = await fetchFromStart(client, 't')
      expect(fetched[0]!.partitions[0]!.errorCode, `after ${after}`).toBe(ErrorCode.NONE)
      const values = valuesOf(fetched[0]!.partitions[0]!.records)
      // What was being done may have been done.
      if (done.made > done.deleted) {
        const wasBeingDeleted = done.made === 1 && values.length === 0
        if (!wasBeingDeleted)
          expect(values.slice(0, done.records.length), `after ${after}`).toEqual(done.records)
        expect(
          values.every((value) => value.startsWith(String(done.made))),
          `after ${after}`,
        ).toBe(true)
      } else {
        expect(values, `after ${after}`).toEqual([])
      }
      expect((await produce(client, 't', 'later')).errorCode, `after ${after}`).toBe(ErrorCode.NONE)
      for (const closeable of running.splice(0).reverse()) await closeable.close()
    }
  })
})

describe('a partition that cannot be read', () => {
  it('fails for itself in a fetch, and leaves the others to be read', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const client = await startWithClient(fs, { 'sluice.tail.cache.bytes': '0' })
    await describeTopics(client, 'good', 'bad')
    for (const topic of ['good', 'bad']) await produce(client, topic)
    fs.inject({ operations: ['read', 'open'], path: /bad-0/, code: 'EMFILE' })
    const { errorCode, topics } = await fetchFromStart(client, 'bad', 'good')
    expect(errorCode).toBe(ErrorCode.NONE)
    expect(topics.map(({ partitions }) => partitions[0]!.errorCode)).toEqual([
      ErrorCode.KAFKA_STORAGE_ERROR,
      ErrorCode.NONE,
    ])
    expect(topics[1]!.partitions[0]!.records).not.toHaveLength(0)
  })
})

describe('the only log directory, when it fails', () => {
  it('makes the broker say that it is not ready, and why', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const broker = await start(fs, {
      'log.flush.interval.messages': '1',
      'sluice.http.listener': '127.0.0.1:0',
    })
    const client = await connect(broker)
    await describeTopics(client, 'bad')
    const ready = () => fetch(`http://127.0.0.1:${broker.httpPort}/health/ready`)
    expect((await ready()).status).toBe(200)
    fs.inject({ operations: ['sync'], path: /bad-0/, code: 'EIO' })
    await produce(client, 'bad')
    expect(await broker.failed).toContain('bad-0')
    const answer = await ready()
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('bad-0')])
  })
})

describe('metadata that cannot be synced', () => {
  it('ends the broker, as Kafka halts: nothing more is acknowledged, and the stop is no clean one', async () => {
    const disk = new MemoryFileSystem()
    const fs = new FaultyFileSystem(disk)
    const broker = await start(fs)
    const client = await connect(broker)
    await describeTopics(client, 'there')
    expect((await produce(client, 'there')).errorCode).toBe(ErrorCode.NONE)
    fs.inject({ operations: ['sync'], path: /sluice\.metadata/, code: 'EIO', times: 1 })
    expect((await makeTopic(client, 'new')).errorCode).not.toBe(ErrorCode.NONE)
    expect(await broker.failed).toMatch(/could not be synced.*; restart the broker/)
    expect((await produce(client, 'there')).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    for (const closeable of running.splice(0).reverse()) await closeable.close()
    expect(disk.exists('/data/.kafka_cleanshutdown')).toBe(false)
    const { topics } = await fetchFromStart(await startWithClient(disk), 'there')
    expect(valuesOf(topics[0]!.partitions[0]!.records)).toEqual(['v'])
  })
})

describe('metadata that cannot be written', () => {
  it('keeps a topic from being made, and answers for those there are', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const client = await startWithClient(fs)
    await describeTopics(client, 'there')
    const full = fs.inject({ operations: ['write'], path: /sluice\.metadata/, code: 'ENOSPC' })
    const { brokers, topics } = await describeTopics(client, 'there', 'new')
    expect(brokers).toHaveLength(1)
    expect(topics.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ])
    full.remove()
    expect((await describeTopics(client, 'new')).topics[0]!.errorCode).toBe(ErrorCode.NONE)
  })
})

describe('a change of the metadata that cannot be written', () => {
  it('is answered with an error that clients try again after', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const client = await startWithClient(fs)
    const full = fs.inject({ operations: ['write'], path: /sluice\.metadata/, code: 'ENOSPC' })
    expect((await makeTopic(client, 'new')).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    full.remove()
    expect((await makeTopic(client, 'new')).errorCode).toBe(ErrorCode.NONE)
  })
})

describe('__consumer_offsets', () => {
  it('is made again when it was deleted, and serves groups as before', async () => {
    const client = await startWithClient()
    await describeTopics(client, 't')
    expect(await commitOffset(client, 'g', 't', 1n)).toBe(ErrorCode.NONE)
    expect(await deleteTopic(client, OFFSETS_TOPIC)).toBe(ErrorCode.NONE)
    expect(await commitOffset(client, 'g', 't', 2n)).toBe(ErrorCode.NOT_COORDINATOR)
    expect((await client.send(listGroupsRequest, listGroupsResponse, 5, {})).errorCode).toBe(ErrorCode.NONE)
    const found = await client.send(findCoordinatorRequest, findCoordinatorResponse, 3, { key: 'g' })
    expect(found).toMatchObject({ errorCode: ErrorCode.NONE, nodeId: 1 })
    expect(await committedOffset(client, 'g', 't')).toBe(-1n)
    expect(await commitOffset(client, 'g', 't', 3n)).toBe(ErrorCode.NONE)
    expect(await committedOffset(client, 'g', 't')).toBe(3n)
  })

  it('is made as the offsets topic whoever asks for it', async () => {
    const client = await startWithClient()
    await deleteTopic(client, OFFSETS_TOPIC)
    const { topics } = await describeTopics(client, OFFSETS_TOPIC)
    expect(topics[0]!.partitions).toHaveLength(2)
    await describeTopics(client, 't')
    expect(await commitOffset(client, 'g', 't', 3n)).toBe(ErrorCode.NONE)
  })

  it('keeps every group where it is when it gets more partitions', async () => {
    const client = await startWithClient()
    await describeTopics(client, 't')
    const groups = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const group of groups) await commitOffset(client, group, 't', 5n)
    const more = {
      topics: [{ name: OFFSETS_TOPIC, count: 7, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    }
    const { results } = await client.send(createPartitionsRequest, createPartitionsResponse, 3, more)
    expect(results[0]!.errorCode).toBe(ErrorCode.NONE)
    for (const group of groups) {
      expect(await committedOffset(client, group, 't')).toBe(5n)
      expect(await commitOffset(client, group, 't', 6n)).toBe(ErrorCode.NONE)
    }
  })
})

describe('an internal topic whose coordinator is not served', () => {
  it('is not made because a client asks for it', async () => {
    const client = await startWithClient()
    const { topics } = await describeTopics(client, '__share_group_state')
    expect(topics[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })
})

describe('too many partitions', () => {
  it.each([10_001, 2 ** 31 - 1])('%i in one request are refused', async (numPartitions) => {
    const client = await startWithClient()
    expect(await makeTopic(client, 't', numPartitions)).toMatchObject({
      errorCode: ErrorCode.POLICY_VIOLATION,
      errorMessage: 'Excessively large number of partitions per request.',
    })
    await describeTopics(client, 'one')
    const { results } = await client.send(createPartitionsRequest, createPartitionsResponse, 3, {
      topics: [{ name: 'one', count: Math.min(numPartitions + 1, 2 ** 31 - 1), assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    })
    expect(results[0]!.errorCode).toBe(ErrorCode.POLICY_VIOLATION)
  })
})

it('refuses to start on metadata with a feature level that only a newer release can have set', async () => {
  const fs = new MemoryFileSystem()
  fs.makeDirectory('/data')
  const store = await EmbeddedStore.open({
    fs,
    directory: '/data',
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  })
  await updateMetadata(store, () => ({
    changes: [{ type: 'setFeature', feature: 'newer.version', level: 3 }],
    result: undefined,
  }))
  await store.close()
  await expect(start(fs)).rejects.toThrow(
    new StartError('/data: feature newer.version is finalized at level 3, which this release does not serve'),
  )
})

it('an answer names ten thousand bad records at most, whatever the batches hold', async () => {
  const client = await startWithClient()
  const topic = {
    name: 'compacted',
    numPartitions: 12,
    replicationFactor: 1,
    assignments: [],
    configs: [{ name: 'cleanup.policy', value: 'compact' }],
  }
  await client.send(createTopicsRequest, createTopicsResponse, 7, { topics: [topic], timeoutMs: 1000 })
  const records = encodeBatch({
    baseTimestamp: 1,
    compression: 'gzip',
    records: Array.from({ length: 1500 }, () => ({ value: null })),
  })
  const { responses } = await client.send(produceRequest, produceResponse, 9, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [
      { name: 'compacted', partitionData: Array.from({ length: 12 }, (_, index) => ({ index, records })) },
    ],
  })
  const answers = responses[0]!.partitionResponses
  expect(answers.map(({ recordErrors }) => recordErrors.length)).toEqual([...Array(10).fill(1000), 0, 0])
  for (const { errorCode, errorMessage } of answers) {
    expect(errorCode).toBe(ErrorCode.INVALID_RECORD)
    expect(errorMessage).toContain('1500 record errors in total')
  }
})

it('a refusal that repeats the longest strings of a client is answered, and what stands beside it done', async () => {
  const client = await startWithClient()
  const long = 'ü'.repeat(16_000)
  const topic = { numPartitions: 1, replicationFactor: 1, assignments: [] }
  const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, {
    topics: [
      {
        ...topic,
        name: 'bad',
        configs: [
          { name: long, value: '1' },
          { name: 'cleanup.policy', value: long },
        ],
      },
      { ...topic, name: 'good', configs: [] },
    ],
    timeoutMs: 1000,
  })
  expect(new Map(topics.map(({ name, errorCode }) => [name, errorCode]))).toEqual(
    new Map([
      ['bad', ErrorCode.INVALID_CONFIG],
      ['good', ErrorCode.NONE],
    ]),
  )
  const configs = [{ name: long, configOperation: 0, value: long }]
  const { responses } = await client.send(
    incrementalAlterConfigsRequest,
    incrementalAlterConfigsResponse,
    1,
    {
      resources: [
        { resourceType: 2, resourceName: 'good', configs },
        {
          resourceType: 32,
          resourceName: 'group',
          configs: [{ name: 'share.auto.offset.reset', configOperation: 0, value: long }],
        },
      ],
      validateOnly: false,
    },
  )
  expect(responses.map(({ errorCode }) => errorCode)).toEqual([
    ErrorCode.INVALID_CONFIG,
    ErrorCode.INVALID_CONFIG,
  ])
  const described = await client.send(describeConfigsRequest, describeConfigsResponse, 4, {
    resources: [{ resourceType: 4, resourceName: long, configurationKeys: null }],
  })
  expect(described.results.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.INVALID_REQUEST])
  const updated = await client.send(updateFeaturesRequest, updateFeaturesResponse, 1, {
    featureUpdates: [{ feature: long, maxVersionLevel: 1, upgradeType: 1 }],
    validateOnly: true,
  })
  expect(updated.errorCode).toBe(ErrorCode.INVALID_UPDATE_VERSION)
  const joined = await client.send(consumerGroupHeartbeatRequest, consumerGroupHeartbeatResponse, 1, {
    groupId: 'g',
    memberId: 'm',
    memberEpoch: 0,
    rebalanceTimeoutMs: 1000,
    subscribedTopicNames: ['good'],
    topicPartitions: [],
    serverAssignor: long,
  })
  expect(joined.errorCode).toBe(ErrorCode.UNSUPPORTED_ASSIGNOR)
})
