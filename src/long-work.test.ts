/** What one request may ask of the event loop, however much is packed into it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from './base/clock.ts'
import { silentLogger } from './base/logger.ts'
import { systemRandom } from './base/random.ts'
import { Broker } from './broker.ts'
import { loadConfig } from './config/load.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { longestCallbackMs } from './testing/longest-callback.ts'
import { TestClient } from './testing/test-client.ts'
import type { CompressionType } from './wire/compression.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { compressMessages, encodeMessage } from './wire/message-set.ts'
import { assembleBatch, RecordsBuilder } from './wire/records.ts'
import { produceRequest, produceResponse } from './wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from './wire/schemas/01-fetch.ts'
import { heartbeatRequest, heartbeatResponse } from './wire/schemas/12-heartbeat.ts'
import { createTopicsRequest, createTopicsResponse } from './wire/schemas/19-create-topics.ts'
import { initProducerIdRequest, initProducerIdResponse } from './wire/schemas/22-init-producer-id.ts'

const COUNT = 300_000
/** Far above a slice, far below what the work takes. */
const LONGEST_MS = 120
const FIRST_VERSION_OF_BATCHES = 3
const codecNumbers = { gzip: 1, lz4: 3 } as const

const running: { close(): Promise<void> }[] = []
let client: TestClient

beforeEach(async () => {
  const broker = await Broker.start({
    config: loadConfig({
      overrides: {
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'log.dirs': '/data',
        'message.max.bytes': '10000000',
        'fetch.max.bytes': '104858800',
      },
    }),
    fs: new MemoryFileSystem(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    startedMs: systemClock.now(),
    version: 'test',
  })
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  client = await TestClient.connect(host, port)
  running.push({ close: () => client.close() })
})

afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

async function makeTopic(configs: Record<string, string> = {}): Promise<string> {
  const name = 'much'
  const input = {
    topics: [
      {
        name,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
      },
    ],
    timeoutMs: 1000,
  }
  const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, input)
  expect(topics[0]!.errorCode).toBe(ErrorCode.NONE)
  return name
}

async function produce(version: number, name: string, records: Buffer) {
  const { responses } = await client.send(produceRequest, produceResponse, version, {
    ...(version < FIRST_VERSION_OF_BATCHES ? {} : { transactionalId: null }),
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name, partitionData: [{ index: 0, records }] }],
  })
  return responses[0]!.partitionResponses[0]!
}

async function fetchAll(version: number, topic: string) {
  const { responses } = await client.send(fetchRequest, fetchResponse, version, {
    maxWaitMs: 100,
    minBytes: 1,
    ...(version < 3 ? {} : { maxBytes: 1_000_000_000 }),
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000_000 }] }],
  })
  return responses[0]!.partitions[0]!
}

/** A wrapper around messages of format 1 without key and value. */
function wrapper(codec: keyof typeof codecNumbers): Buffer {
  const message = encodeMessage(1, {
    offset: 0,
    timestamp: systemClock.now(),
    timestampType: 'CreateTime',
    key: null,
    value: null,
  })
  return encodeMessage(1, {
    offset: 0,
    timestamp: systemClock.now(),
    timestampType: 'CreateTime',
    compressionCodec: codecNumbers[codec],
    key: null,
    value: compressMessages(codec, 1, Buffer.alloc(message.length * COUNT, message)),
  })
}

function batch(compression: CompressionType, count = COUNT): Buffer {
  const builder = new RecordsBuilder()
  for (let index = 0; index < count; index++) builder.append({ key: Buffer.alloc(0) })
  const facts = { recordsCount: count, lastOffsetDelta: count - 1, maxTimestamp: systemClock.now() }
  return assembleBatch({ compression, baseTimestamp: facts.maxTimestamp }, builder.toBuffer(), facts)
}

describe('one request with very many records leaves the event loop to others in between', () => {
  it.each(['gzip', 'lz4'] as const)('Produce v2 of a %s wrapper', async (codec) => {
    const topic = await makeTopic()
    const records = wrapper(codec)
    const longest = await longestCallbackMs(async () => {
      expect(await produce(2, topic, records)).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 })
    })
    expect(longest).toBeLessThan(LONGEST_MS)
    expect(await fetchAll(4, topic)).toMatchObject({ highWatermark: COUNT })
  })

  it.each(['gzip', 'none'] as const)('Fetch v2 of a batch with codec %s', async (codec) => {
    const topic = await makeTopic()
    expect(await produce(9, topic, batch(codec))).toMatchObject({ errorCode: ErrorCode.NONE })
    const longest = await longestCallbackMs(async () => {
      expect(await fetchAll(2, topic)).toMatchObject({ errorCode: ErrorCode.NONE, highWatermark: COUNT })
    })
    expect(longest).toBeLessThan(LONGEST_MS)
  })

  it('Produce v9 to a compacted topic', async () => {
    const topic = await makeTopic({ 'cleanup.policy': 'compact' })
    const records = batch('gzip', 4 * COUNT)
    const longest = await longestCallbackMs(async () => {
      expect(await produce(9, topic, records)).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 })
    })
    expect(longest).toBeLessThan(LONGEST_MS)
  })

  it('Produce v9 to a topic with a codec of its own', async () => {
    const topic = await makeTopic({ 'compression.type': 'gzip' })
    const records = batch('lz4')
    const longest = await longestCallbackMs(async () => {
      expect(await produce(9, topic, records)).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 })
    })
    expect(longest).toBeLessThan(LONGEST_MS)
  })
})

/** V8 hashes them by their length alone. */
describe('names that would make a list of a map', () => {
  const long = 'x'.repeat(16_384)

  it('are taken for no group', async () => {
    const beat = { groupId: long, generationId: 1, memberId: '', groupInstanceId: null }
    const { errorCode } = await client.send(heartbeatRequest, heartbeatResponse, 4, beat)
    expect(errorCode).toBe(ErrorCode.INVALID_GROUP_ID)
  })

  it('are taken for no transactional id', async () => {
    const { errorCode } = await client.send(initProducerIdRequest, initProducerIdResponse, 4, {
      transactionalId: long,
      transactionTimeoutMs: 1000,
      producerId: -1,
      producerEpoch: -1,
    })
    expect(errorCode).toBe(ErrorCode.INVALID_REQUEST)
  })

  it('are as good as any other when they are one shorter', async () => {
    const beat = { groupId: long.slice(1), generationId: 1, memberId: '', groupInstanceId: null }
    const { errorCode } = await client.send(heartbeatRequest, heartbeatResponse, 4, beat)
    expect(errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
  })
})
