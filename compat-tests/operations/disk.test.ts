import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { systemRandom } from '../../src/base/random.ts'
import { Broker } from '../../src/broker.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type Fault, FaultyFileSystem } from '../../src/logstore/faulty-fs.ts'
import { MemoryFileSystem } from '../../src/logstore/memory-fs.ts'
import { StartError } from '../../src/start-error.ts'
import { TestClient } from '../../src/testing/test-client.ts'
import { ErrorCode } from '../../src/wire/error-codes.ts'
import { encodeBatch } from '../../src/wire/records.ts'
import { produceRequest, produceResponse } from '../../src/wire/schemas/00-produce.ts'
import { metadataRequest, metadataResponse } from '../../src/wire/schemas/03-metadata.ts'
import { createTopicsRequest, createTopicsResponse } from '../../src/wire/schemas/19-create-topics.ts'
import { readPartition } from '../support/read-partition.ts'

let fs: FaultyFileSystem
let broker: Broker | undefined
beforeEach(() => {
  fs = new FaultyFileSystem(new MemoryFileSystem())
})
afterEach(async () => {
  fs.clearFaults()
  await broker?.close()
  broker = undefined
})

async function start(): Promise<TestClient> {
  broker = await Broker.start({
    config: loadConfig({
      overrides: {
        listeners: 'PLAINTEXT://127.0.0.1:0',
        'log.dirs': '/data',
        'offsets.topic.num.partitions': '1',
      },
    }),
    version: 'test',
    fs,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    startedMs: systemClock.now(),
  })
  const { host, port } = broker.listeners[0]!
  return TestClient.connect(host, port)
}

async function createTopic(client: TestClient, name: string): Promise<number> {
  const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 5, {
    topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 10_000,
  })
  return topics[0]!.errorCode
}

async function produce(client: TestClient, name: string, value: string): Promise<number> {
  const { responses } = await client.send(produceRequest, produceResponse, 9, {
    acks: -1,
    timeoutMs: 10_000,
    topicData: [
      {
        name,
        partitionData: [
          {
            index: 0,
            records: [encodeBatch({ baseTimestamp: Date.now(), records: [{ value: Buffer.from(value) }] })],
          },
        ],
      },
    ],
  })
  return responses[0]!.partitionResponses[0]!.errorCode
}

describe('a start on a disk that', () => {
  test.each([
    ['is read-only', { operations: ['create', 'makeDirectory', 'lock'], code: 'EROFS' }],
    ['denies access', { code: 'EACCES' }],
    ['is full', { operations: ['create', 'makeDirectory', 'write'], code: 'ENOSPC' }],
    ['fails', { operations: ['sync', 'syncDirectory'], code: 'EIO' }],
  ] as const satisfies readonly (readonly [string, Fault])[])(
    '%s is a StartError in one line that names the directory and the reason',
    async (_, fault) => {
      fs.inject(fault)
      const error = await start().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).toBeInstanceOf(StartError)
      const { message } = error as StartError
      expect(message).not.toContain('\n')
      expect(message).toContain('/data')
      expect(message).toContain(fault.code)
    },
  )
})

test('on a disk that fills up a Produce is refused, others are answered, and nothing acknowledged is lost', async () => {
  let client = await start()
  expect(await createTopic(client, 'full')).toBe(ErrorCode.NONE)
  expect(await createTopic(client, 'other')).toBe(ErrorCode.NONE)
  for (const value of ['a', 'b', 'c']) expect(await produce(client, 'full', value)).toBe(ErrorCode.NONE)
  expect(await produce(client, 'other', 'x')).toBe(ErrorCode.NONE)

  fs.inject({ operations: ['write'], path: /\/full-0\//, code: 'ENOSPC', partialBytes: 30 })
  expect(await produce(client, 'full', 'd')).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  const { topics } = await client.send(metadataRequest, metadataResponse, 9, { topics: null })
  expect(topics.map(({ errorCode }) => errorCode)).toEqual(topics.map(() => ErrorCode.NONE))

  await client.close()
  fs.clearFaults()
  await broker!.close()
  client = await start()
  expect((await readPartition(client, 'full', 0)).map(({ value }) => value)).toEqual(['a', 'b', 'c'])
  expect((await readPartition(client, 'other', 0)).map(({ value }) => value)).toEqual(['x'])
  expect(await produce(client, 'full', 'e')).toBe(ErrorCode.NONE)
  expect((await readPartition(client, 'full', 0)).map(({ value }) => value)).toEqual(['a', 'b', 'c', 'e'])
  await client.close()
})

test('a topic that the disk has no room for is refused, and can be made when there is room again', async () => {
  const client = await start()
  const fault = fs.inject({ operations: ['write'], path: /sluice\.metadata/, code: 'ENOSPC' })
  expect(await createTopic(client, 'late')).not.toBe(ErrorCode.NONE)
  expect(fault.calls).toBeGreaterThan(0)
  fault.remove()
  expect(await createTopic(client, 'late')).toBe(ErrorCode.NONE)
  expect(await produce(client, 'late', 'value')).toBe(ErrorCode.NONE)
  await client.close()
})
