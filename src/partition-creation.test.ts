/** Topics with so many partitions that their logs are not all made at once. */
import { afterEach, expect, it } from 'vitest'
import { type Clock, systemClock } from './base/clock.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { slowClock } from './testing/slow-clock.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TestClient } from './testing/test-client.ts'
import { encodeBatch } from './wire/records.ts'
import { produceRequest, produceResponse } from './wire/schemas/00-produce.ts'
import { metadataRequest, metadataResponse } from './wire/schemas/03-metadata.ts'
import { createTopicsRequest, createTopicsResponse } from './wire/schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from './wire/schemas/20-delete-topics.ts'

const PARTITIONS = 400

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

async function start(fs: MemoryFileSystem, clock: Clock = slowClock()) {
  const broker = await startTestBroker(fs, { clock, overrides: { 'offsets.topic.num.partitions': '1' } })
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  const client = await TestClient.connect(host, port)
  running.push({ close: () => client.close() })
  return { broker, client }
}

async function create(client: TestClient, name: string, numPartitions = PARTITIONS) {
  const input = {
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 1000,
  }
  const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, input)
  return topics[0]!.errorCode
}

async function produce(client: TestClient, topic: string, index: number) {
  const records = encodeBatch({ baseTimestamp: 1, records: [{ value: Buffer.from('v') }] })
  const { responses } = await client.send(produceRequest, produceResponse, 9, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index, records }] }],
  })
  return responses[0]!.partitionResponses[0]!.errorCode
}

function directoriesOf(fs: MemoryFileSystem, topic: string): number {
  return fs.readDirectory('/data').filter((name) => name.startsWith(`${topic}-`) && !name.endsWith('-delete'))
    .length
}

/** Asks the broker, which works on meanwhile, until what is wanted holds. */
async function until(client: TestClient, holds: () => boolean): Promise<void> {
  while (!holds()) await client.send(metadataRequest, metadataResponse, 9, { topics: [] })
}

it('serves every partition from the answer on, and makes the logs of all of them between other work', async () => {
  const fs = new MemoryFileSystem()
  const { client } = await start(fs)
  expect(await create(client, 'many')).toBe(0)
  expect(directoriesOf(fs, 'many')).toBeLessThan(PARTITIONS)
  for (const partition of [PARTITIONS - 1, 0, 200]) expect(await produce(client, 'many', partition)).toBe(0)
  expect(await produce(client, 'many', PARTITIONS)).toBe(3)
  await until(client, () => directoriesOf(fs, 'many') === PARTITIONS)
  expect(await produce(client, 'many', PARTITIONS - 2)).toBe(0)
})

it('makes no log of a topic that is deleted before, and those of one that is made again', async () => {
  const fs = new MemoryFileSystem()
  const { client } = await start(fs)
  await create(client, 'short-lived')
  const input = { topics: [{ name: 'short-lived' }], timeoutMs: 1000 }
  const { responses } = await client.send(deleteTopicsRequest, deleteTopicsResponse, 6, input)
  expect(responses[0]!.errorCode).toBe(0)
  await create(client, 'other', 20)
  await until(client, () => directoriesOf(fs, 'other') === 20)
  expect(directoriesOf(fs, 'short-lived')).toBe(0)
  await create(client, 'short-lived', 30)
  expect(await produce(client, 'short-lived', 29)).toBe(0)
  await until(client, () => directoriesOf(fs, 'short-lived') === 30)
})

it('makes at the next start what it had not come to', async () => {
  const fs = new MemoryFileSystem()
  const { broker, client } = await start(fs)
  await create(client, 'many')
  await broker.close()
  expect(directoriesOf(fs, 'many')).toBeLessThan(PARTITIONS)
  const again = await start(fs, systemClock)
  expect(await produce(again.client, 'many', PARTITIONS - 1)).toBe(0)
  await until(again.client, () => directoriesOf(fs, 'many') === PARTITIONS)
})
