/** A start with more partitions, or more to recover, than can be opened before somebody is answered. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from './base/clock.ts'
import { CLEAN_SHUTDOWN_FILE } from './logstore/directory-files.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
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
/** Of one batch. A recovery lets others have their turn about once for each. */
const BATCH_BYTES = 1_040_000
const LARGE_BATCHES = 24

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

/** On it every look takes a millisecond, so that a slice of work is short; what is left for later is never done. */
function slowClock(): Clock {
  let lookedMs = 0
  return { ...systemClock, monotonicMs: () => ++lookedMs }
}

/** A slow clock on which what is to be done between other work is done when `later` says so. */
function clockWithoutLater(): Clock & { later(): void } {
  let waiting: (() => void)[] = []
  return {
    ...slowClock(),
    setTimer: (delayMs, callback) => {
      if (delayMs > 0) return systemClock.setTimer(delayMs, callback)
      waiting.push(callback)
      return { cancel: () => (waiting = waiting.filter((each) => each !== callback)) }
    },
    later: () => {
      for (const callback of waiting.splice(0)) callback()
    },
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

async function produce(client: TestClient, topic: string, index: number, bytes = 1) {
  const records = encodeBatch({ baseTimestamp: 1, records: [{ value: Buffer.alloc(bytes) }] })
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
  return errorCode === ErrorCode.NONE ? offset : errorName(errorCode)
}

const errorName = (code: number) => (code === ErrorCode.NOT_LEADER_OR_FOLLOWER ? 'not yet' : `error ${code}`)

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

describe('a recovery that takes long', () => {
  async function killed(): Promise<MemoryFileSystem> {
    const fs = new MemoryFileSystem()
    const { client } = await start(fs)
    await create(client, 'many', 2)
    for (let batch = 0; batch < LARGE_BATCHES; batch++)
      expect((await produce(client, 'many', 1, BATCH_BYTES)).errorCode).toBe(ErrorCode.NONE)
    running.length = 0
    fs.kill()
    return fs
  }

  it('lets others be served, and the partition when it has ended', async () => {
    const fs = await killed()
    const clock = clockWithoutLater()
    const { client } = await start(fs, clock)
    const seen: unknown[] = []
    while (seen.at(-1) !== LARGE_BATCHES && seen.length < 2 * LARGE_BATCHES) {
      seen.push(await endOf(client, 'many', 1))
      clock.later()
    }
    expect(seen[0]).toBe('not yet')
    expect(new Set(seen)).toEqual(new Set(['not yet', LARGE_BATCHES]))
    expect(await endOf(client, 'many', 0)).toBe(0)
  })

  it('is given up by a stop, and by the deletion of the topic', async () => {
    const fs = await killed()
    const { client, close } = await start(fs, clockWithoutLater())
    expect(await endOf(client, 'many', 1)).toBe('not yet')
    expect(await produce(client, 'many', 1)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER })
    await close()
    expect(isClean(fs)).toBe(false)
    const again = await start(fs, clockWithoutLater())
    expect(await endOf(again.client, 'many', 1)).toBe('not yet')
    const input = { topics: [{ name: 'many' }], timeoutMs: 1000 }
    await again.client.send(deleteTopicsRequest, deleteTopicsResponse, 6, input)
    expect(directoriesOf(fs)).toBe(0)
    await create(again.client, 'many', 2)
    expect(await endOf(again.client, 'many', 1)).toBe(0)
  })
})
