import { afterEach, describe, expect, it } from 'vitest'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { ManualClock } from './testing/manual-clock.ts'
import { newTopic } from './testing/new-topic.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TestClient } from './testing/test-client.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { encodeBatch } from './wire/records.ts'
import { produceRequest, produceResponse } from './wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from './wire/schemas/01-fetch.ts'
import { metadataRequest, metadataResponse } from './wire/schemas/03-metadata.ts'
import { createTopicsRequest, createTopicsResponse } from './wire/schemas/19-create-topics.ts'
import {
  describeClientQuotasRequest,
  describeClientQuotasResponse,
} from './wire/schemas/48-describe-client-quotas.ts'
import { alterClientQuotasRequest, alterClientQuotasResponse } from './wire/schemas/49-alter-client-quotas.ts'

const TOPIC = 'limited'
const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

async function start(overrides: Record<string, string> = {}, fs = new MemoryFileSystem()) {
  const clock = new ManualClock()
  const broker = await startTestBroker(fs, { clock, overrides })
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  const connect = async (clientId: string) => {
    const client = await TestClient.connect(host, port, clientId)
    running.push({ close: () => client.close() })
    return client
  }
  const admin = await connect('admin')
  await admin.send(metadataRequest, metadataResponse, 9, {
    topics: [{ name: TOPIC }],
    allowAutoTopicCreation: true,
  })
  return { broker, clock, connect, admin }
}

/** Slices of files that were made, and how many of them nobody has released. */
function countSlices(fs: MemoryFileSystem): { made: number; open: number } {
  const slices = { made: 0, open: 0 }
  const open = fs.open.bind(fs)
  fs.open = (path, mode) => {
    const file = open(path, mode)
    const make = file.slice.bind(file)
    file.slice = (...range) => {
      const slice = make(...range)
      if (slice === undefined) return undefined
      slices.made++
      slices.open++
      let isOpen = true
      slice.release = () => {
        if (isOpen) slices.open--
        isOpen = false
      }
      return slice
    }
    return file
  }
  return slices
}

/** Time stands still but for who looks at it. */
function everyLookCosts(clock: ManualClock, ms: number): void {
  const standing = clock.monotonicMs.bind(clock)
  clock.monotonicMs = () => {
    clock.advance(ms)
    return standing()
  }
}

async function limit(admin: TestClient, entity: Record<string, string | null>, key: string, value: number) {
  const { entries } = await admin.send(alterClientQuotasRequest, alterClientQuotasResponse, 1, {
    entries: [
      {
        entity: Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName })),
        ops: [{ key, value, remove: false }],
      },
    ],
    validateOnly: false,
  })
  expect(entries.map(({ errorCode }) => errorCode)).toEqual([ErrorCode.NONE])
}

function producing(bytes: number, acks = 1) {
  const records = encodeBatch({ baseTimestamp: 1, records: [{ value: Buffer.alloc(bytes) }] })
  return { acks, timeoutMs: 5000, topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }] }
}

const produce = (client: TestClient, bytes: number) =>
  client.send(produceRequest, produceResponse, 9, producing(bytes))

const fetching = {
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes: 1e8,
  isolationLevel: 0,
  topics: [{ topic: TOPIC, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e8 }] }],
  forgottenTopicsData: [],
}

const fetch = (client: TestClient, session: { sessionId: number; sessionEpoch: number }) =>
  client.send(fetchRequest, fetchResponse, 12, { ...fetching, ...session })

const NO_SESSION = { sessionId: 0, sessionEpoch: -1 }

describe('a producer over its quota', () => {
  it('is answered at once with the time for which it is muted', async () => {
    const { clock, connect, admin } = await start()
    await limit(admin, { 'client-id': 'fast' }, 'producer_byte_rate', 1000)
    const client = await connect('fast')
    const { responses, throttleTimeMs } = await produce(client, 20_000)
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE)
    // Ten windows of 1000 bytes are allowed, twice as much and a header came.
    expect(throttleTimeMs).toBeGreaterThan(10_000)
    expect(throttleTimeMs).toBeLessThan(10_300)
    let answered = false
    const next = produce(client, 1).then(() => {
      answered = true
    })
    clock.advance(throttleTimeMs - 1)
    await produce(await connect('other'), 1)
    expect(answered).toBe(false)
    clock.advance(1)
    await next
  })

  it('is muted without an answer, too', async () => {
    const { clock, connect, admin } = await start()
    await limit(admin, { 'client-id': 'fast' }, 'producer_byte_rate', 1000)
    const client = await connect('fast')
    const timers = clock.pendingTimers
    client.sendOneWay(produceRequest, 9, producing(20_000, 0))
    let answered = false
    const next = produce(client, 1).then(() => {
      answered = true
    })
    while (clock.pendingTimers === timers) await produce(admin, 1)
    clock.advance(10_000)
    await produce(admin, 1)
    expect(answered).toBe(false)
    clock.advance(1000)
    await next
  })

  it('of another name is not slowed', async () => {
    const { connect, admin } = await start()
    await limit(admin, { 'client-id': 'fast' }, 'producer_byte_rate', 1000)
    expect((await produce(await connect('other'), 50_000)).throttleTimeMs).toBe(0)
    expect((await produce(await connect(''), 50_000)).throttleTimeMs).toBe(0)
  })

  it('is limited as a user by whatever client id', async () => {
    const { connect, admin } = await start()
    await limit(admin, { user: 'ANONYMOUS' }, 'producer_byte_rate', 1000)
    expect((await produce(await connect('one'), 9000)).throttleTimeMs).toBe(0)
    expect((await produce(await connect('two'), 9000)).throttleTimeMs).toBeGreaterThan(7000)
  })
})

describe('a consumer over its quota', () => {
  it('gets an empty answer that does not count, and the same data when it comes again', async () => {
    const { clock, connect, admin } = await start()
    await produce(admin, 3000)
    await limit(admin, { 'client-id': 'fast' }, 'consumer_byte_rate', 500)
    const client = await connect('fast')
    const opened = await fetch(client, { sessionId: 0, sessionEpoch: 0 })
    expect(opened.throttleTimeMs).toBe(0)
    expect(opened.sessionId).toBeGreaterThan(0)
    const { sessionId } = opened
    const second = await fetch(client, { sessionId, sessionEpoch: 1 })
    const throttled = second.throttleTimeMs
    expect(throttled).toBeGreaterThan(2000)
    expect(second).toMatchObject({ errorCode: 0, sessionId, responses: [] })
    const third = fetch(client, { sessionId, sessionEpoch: 2 })
    clock.advance(11_000)
    const { responses, throttleTimeMs } = await third
    expect(throttleTimeMs).toBe(0)
    expect(responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(3000)
  })

  it('keeps no file open for an answer that it does not get', async () => {
    const fs = new MemoryFileSystem()
    const slices = countSlices(fs)
    // Old data, which an answer has as a slice of its file.
    const overrides = { 'sluice.tail.cache.bytes': '0', 'log.index.interval.bytes': '1' }
    const { connect, admin } = await start(overrides, fs)
    for (let i = 0; i < 3; i++) await produce(admin, 1000)
    await limit(admin, { 'client-id': 'fast' }, 'consumer_byte_rate', 300)
    const client = await connect('fast')
    const { responses, throttleTimeMs } = await fetch(client, NO_SESSION)
    expect(throttleTimeMs).toBe(0)
    expect(responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(2000)
    expect(slices).toEqual({ made: 1, open: 0 })
    const throttled = await fetch(client, NO_SESSION)
    expect(throttled.throttleTimeMs).toBeGreaterThan(0)
    expect(slices).toEqual({ made: 2, open: 0 })
  })

  it('is given no more at a time than its quota allows in all windows', async () => {
    const { connect, admin } = await start()
    for (let i = 0; i < 5; i++) await produce(admin, 1000)
    await limit(admin, { 'client-id': 'fast' }, 'consumer_byte_rate', 250)
    const { responses } = await fetch(await connect('fast'), NO_SESSION)
    const { length } = responses[0]!.partitions[0]!.records!
    expect(length).toBeGreaterThan(1000)
    expect(length).toBeLessThanOrEqual(2500)
  })
})

describe('the quota on the event loop’s time', () => {
  it('counts the time of every request and throttles for no longer than a window', async () => {
    const { clock, connect, admin } = await start()
    await limit(admin, { 'client-id': 'busy' }, 'request_percentage', 0.001)
    const client = await connect('busy')
    everyLookCosts(clock, 100)
    const { throttleTimeMs } = await client.send(metadataRequest, metadataResponse, 9, { topics: [] })
    expect(throttleTimeMs).toBe(1000)
    const answer = await (await connect('other')).send(metadataRequest, metadataResponse, 9, { topics: [] })
    expect(answer.throttleTimeMs).toBe(0)
  })

  it('counts what a handler goes on with in the same turn, although it awaited something that was there', async () => {
    const { clock, connect, admin } = await start()
    const topics = Array.from({ length: 60 }, (_, index) => newTopic(`t${index}`, 1))
    await admin.send(createTopicsRequest, createTopicsResponse, 7, {
      topics,
      timeoutMs: 5000,
      validateOnly: false,
    })
    // 3.3 ms in the eleven seconds that are looked at.
    await limit(admin, { 'client-id': 'busy' }, 'request_percentage', 0.03)
    const client = await connect('busy')
    // And the handler looks at it after every topic.
    everyLookCosts(clock, 0.1)
    const few = await client.send(metadataRequest, metadataResponse, 9, { topics: [] })
    expect(few.throttleTimeMs).toBe(0)
    const all = await client.send(metadataRequest, metadataResponse, 9, { topics: null })
    expect(all.topics.length).toBeGreaterThan(topics.length)
    expect(all.throttleTimeMs).toBeGreaterThan(0)
  })
})

describe('the quota on changes', () => {
  const topics = (name: string, numPartitions: number) => ({
    topics: [newTopic(name, numPartitions)],
    timeoutMs: 5000,
    validateOnly: false,
  })

  it('refuses what a client that knows of it asks for beyond it, and throttles an older one', async () => {
    const { connect, admin } = await start()
    await limit(admin, { 'client-id': 'maker' }, 'controller_mutation_rate', 1)
    const create = async (version: number, name: string, partitions: number) =>
      (await connect('maker')).send(
        createTopicsRequest,
        createTopicsResponse,
        version,
        topics(name, partitions),
      )
    const first = await create(7, 'a', 20)
    expect([first.topics[0]!.errorCode, first.throttleTimeMs]).toEqual([ErrorCode.NONE, 0])
    const second = await create(7, 'b', 1)
    expect(second.topics[0]!.errorCode).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED)
    expect(second.throttleTimeMs).toBe(9000)
    const third = await create(5, 'b', 1)
    expect(third.topics[0]!.errorCode).toBe(ErrorCode.NONE)
    expect(third.throttleTimeMs).toBe(10_000)
  })
})

describe('the rate of connections', () => {
  it('closes those of an address that come too fast, after a while', async () => {
    const { clock, connect, admin } = await start()
    await limit(admin, { ip: '127.0.0.1' }, 'connection_creation_rate', 1)
    for (let i = 0; i < 10; i++) await produce(await connect('c'), 1)
    const late = await connect('late')
    const refused = produce(late, 1)
    refused.catch(() => {})
    await produce(admin, 1)
    clock.advance(1000)
    await expect(refused).rejects.toThrow(/closed|ECONNRESET/)
  })

  it('makes those of a listener wait their turn, as its own key says', async () => {
    const { clock, connect } = await start({
      'listener.name.plaintext.max.connection.creation.rate': '1',
    })
    const clients: Promise<unknown>[] = []
    for (let i = 0; i < 11; i++) clients.push(produce(await connect('c'), 1))
    // The first connection was the admin's: ten are within the rate.
    await Promise.all(clients.slice(0, 9))
    let tenth = false
    void clients[9]!.then(() => {
      tenth = true
    })
    expect(tenth).toBe(false)
    clock.advance(1000)
    await clients[9]
    clock.advance(1000)
    await clients[10]
  })
})

it('quotas outlive the broker', async () => {
  const fs = new MemoryFileSystem()
  const first = await start({}, fs)
  await limit(first.admin, { user: 'ann', 'client-id': null }, 'producer_byte_rate', 1000)
  await first.broker.close()
  const { admin } = await start({}, fs)
  const { entries } = await admin.send(describeClientQuotasRequest, describeClientQuotasResponse, 1, {
    components: [],
    strict: false,
  })
  expect(entries).toEqual([
    {
      entity: [
        { entityType: 'user', entityName: 'ann' },
        { entityType: 'client-id', entityName: null },
      ],
      values: [{ key: 'producer_byte_rate', value: 1000 }],
    },
  ])
})

it('a limit of next to nothing is answered with the longest throttle time that there is', async () => {
  const { connect, admin } = await start()
  await limit(admin, { 'client-id': 'slow' }, 'producer_byte_rate', Number.MIN_VALUE)
  const { responses, throttleTimeMs } = await produce(await connect('slow'), 1000)
  expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE)
  expect(throttleTimeMs).toBe(2 ** 31 - 1)
})
