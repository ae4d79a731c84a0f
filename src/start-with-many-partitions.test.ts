/** A start with more partitions than can be opened before somebody is answered. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from './base/clock.ts'
import { CLEAN_SHUTDOWN_FILE } from './logstore/directory-files.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { slowClock } from './testing/slow-clock.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TestClient } from './testing/test-client.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { encodeBatch } from './wire/records.ts'
import { produceRequest, produceResponse } from './wire/schemas/00-produce.ts'
import { listOffsetsRequest, listOffsetsResponse } from './wire/schemas/02-list-offsets.ts'
import { createTopicsRequest, createTopicsResponse } from './wire/schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from './wire/schemas/20-delete-topics.ts'
import { describeLogDirsRequest, describeLogDirsResponse } from './wire/schemas/35-describe-log-dirs.ts'

const PARTITIONS = 200

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

/** On it nothing is ever done between other work. */
function clockWithoutLater(): Clock {
  const never = { cancel() {} }
  return {
    ...systemClock,
    setTimer: (delayMs, callback) => (delayMs > 0 ? systemClock.setTimer(delayMs, callback) : never),
  }
}

async function start(fs: MemoryFileSystem, clock: Clock = systemClock) {
  const broker = await startTestBroker(fs, { clock, overrides: { 'offsets.topic.num.partitions': '1' } })
  const { host, port } = broker.listeners[0]!
  const client = await TestClient.connect(host, port)
  const close = async () => {
    await client.close()
    await broker.close()
  }
  running.push({ close })
  return { broker, client, close }
}

async function create(client: TestClient, name: string, numPartitions: number) {
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }
  const input = { topics: [topic], timeoutMs: 1000 }
  const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, input)
  expect(topics[0]!.errorCode).toBe(ErrorCode.NONE)
}

async function produce(client: TestClient, topic: string, index: number) {
  const records = encodeBatch({ baseTimestamp: 1, records: [{ value: Buffer.from('v') }] })
  const input = {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index, records }] }],
  }
  const { responses } = await client.send(produceRequest, produceResponse, 9, input)
  return responses[0]!.partitionResponses[0]!
}

async function endOf(client: TestClient, topic: string, partitionIndex: number) {
  const partition = { partitionIndex, currentLeaderEpoch: -1, timestamp: -1 }
  const input = { replicaId: -1, topics: [{ name: topic, partitions: [partition] }] }
  const { topics } = await client.send(listOffsetsRequest, listOffsetsResponse, 5, input)
  const { errorCode, offset } = topics[0]!.partitions[0]!
  return errorCode === ErrorCode.NONE ? offset : `error ${errorCode}`
}

async function describedPartitions(client: TestClient): Promise<number> {
  const input = { topics: null }
  const { results } = await client.send(describeLogDirsRequest, describeLogDirsResponse, 4, input)
  return results[0]!.topics.find(({ name }) => name === 'many')?.partitions.length ?? 0
}

/** A topic of many partitions with a record in some of them. */
async function filled(fs: MemoryFileSystem) {
  const { client, close } = await start(fs)
  await create(client, 'many', PARTITIONS)
  for (const partition of [0, 100, PARTITIONS - 1]) await produce(client, 'many', partition)
  return { client, close }
}

const isClean = (fs: MemoryFileSystem) => fs.exists(`/data/${CLEAN_SHUTDOWN_FILE}`)
const directoriesOf = (fs: MemoryFileSystem) =>
  fs.readDirectory('/data').filter((name) => /^many-\d+$/.test(name)).length

describe('a start with many partitions', () => {
  it('answers for each that is asked for, while the others wait to be opened', async () => {
    const fs = new MemoryFileSystem()
    await (await filled(fs)).close()
    const { client, close } = await start(fs, clockWithoutLater())
    expect(await endOf(client, 'many', PARTITIONS - 1)).toBe(1)
    expect(await endOf(client, 'many', 7)).toBe(0)
    expect((await produce(client, 'many', 100)).baseOffset).toBe(1)
    await close()
    expect(isClean(fs)).toBe(true)
    const last = await start(fs)
    for (const [partition, end] of [0, 100, PARTITIONS - 1].map((each, index) => [each, index === 1 ? 2 : 1]))
      expect(await endOf(last.client, 'many', partition!)).toBe(end)
  })

  it('tells of the disk when all of them are open', async () => {
    const fs = new MemoryFileSystem()
    await (await filled(fs)).close()
    const { client } = await start(fs, slowClock())
    expect(await describedPartitions(client)).toBe(PARTITIONS)
  })

  it('removes the logs of a topic that is deleted before they are opened', async () => {
    const fs = new MemoryFileSystem()
    await (await filled(fs)).close()
    const { client } = await start(fs, clockWithoutLater())
    expect(await endOf(client, 'many', 100)).toBe(1)
    const input = { topics: [{ name: 'many' }], timeoutMs: 1000 }
    await client.send(deleteTopicsRequest, deleteTopicsResponse, 6, input)
    expect(directoriesOf(fs)).toBe(0)
    await create(client, 'many', 1)
    expect(await endOf(client, 'many', 0)).toBe(0)
  })

  it('that is stopped before all are recovered is followed by another recovery', async () => {
    const fs = new MemoryFileSystem()
    const { client } = await filled(fs)
    expect(await endOf(client, 'many', 0)).toBe(1)
    running.length = 0
    fs.kill()
    const halfway = await start(fs, clockWithoutLater())
    expect(await endOf(halfway.client, 'many', 100)).toBe(1)
    await halfway.close()
    expect(isClean(fs)).toBe(false)
    const last = await start(fs)
    expect(await endOf(last.client, 'many', PARTITIONS - 1)).toBe(1)
    expect(await describedPartitions(last.client)).toBe(PARTITIONS)
    await last.close()
    expect(isClean(fs)).toBe(true)
  })
})
