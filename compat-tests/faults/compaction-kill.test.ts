import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { isDeep } from '../../src/testing/depth.ts'
import { SeededRandom } from '../../src/testing/seeded-random.ts'
import { TestClient } from '../../src/testing/test-client.ts'
import { BatchReader } from '../../src/wire/batch.ts'
import { readRecords } from '../../src/wire/record-reader.ts'
import { encodeBatch } from '../../src/wire/records.ts'
import { produceRequest, produceResponse } from '../../src/wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from '../../src/wire/schemas/01-fetch.ts'
import { createTopicsRequest, createTopicsResponse } from '../../src/wire/schemas/19-create-topics.ts'
import { BrokerProcess } from '../support/broker-process.ts'
import { makeDataDirectory, removeDataDirectory } from '../support/data-directory.ts'

const KILLS = isDeep ? 6 : 3
const KEYS = 40
const TOPIC = 'compacted-killed'
const seed = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000)
const dir = makeDataDirectory('compaction-kill')
let running: BrokerProcess | undefined
afterAll(async () => {
  await running?.kill()
  removeDataDirectory(dir)
})

const config = {
  'offsets.topic.num.partitions': 1,
  'log.cleaner.backoff.ms': 1,
  'log.cleaner.min.cleanable.ratio': 0.01,
  // Enough for a step of a few batches, so that kills meet cleanings half-way.
  'log.cleaner.io.max.bytes.per.second': 4_000_000,
  'log.segment.delete.delay.ms': 100,
}

/** Last acknowledged value of each key, and its offset. */
const acknowledged = new Map<string, { readonly value: string; readonly offset: number }>()
let timestampMs = Date.now() - 3_600_000

async function write(client: TestClient, random: SeededRandom): Promise<void> {
  const key = `key-${random.integer(0, KEYS - 1)}`
  timestampMs += random.integer(0, 10)
  const value = `${timestampMs} ${'v'.repeat(random.integer(0, 3000))}`
  const batch = encodeBatch({
    baseTimestamp: timestampMs,
    compression: random.pick(['none', 'zstd'] as const),
    records: [{ key: Buffer.from(key), value: Buffer.from(value) }],
  })
  const { responses } = await client.send(produceRequest, produceResponse, 9, {
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ name: TOPIC, partitionData: [{ index: 0, records: [batch] }] }],
  })
  const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
  expect(errorCode).toBe(0)
  acknowledged.set(key, { value, offset: baseOffset })
}

/** The last value of each key in the log, how many records there are, and where the log ends. */
async function readAll(client: TestClient) {
  const found = new Map<string, { readonly value: string; readonly offset: number }>()
  let count = 0
  for (let fetchOffset = 0; ; ) {
    const { responses } = await client.send(fetchRequest, fetchResponse, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: TOPIC, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
    })
    const { errorCode, records, highWatermark } = responses[0]!.partitions[0]!
    expect(errorCode).toBe(0)
    if (fetchOffset >= highWatermark) return { found, count, highWatermark }
    for (const batch of new BatchReader(records ?? Buffer.alloc(0))) {
      expect(batch.crcIsRight()).toBe(true)
      for (const { offset, key, value } of readRecords(batch, 1 << 20)) {
        found.set(String(key), { value: String(value), offset })
        count++
      }
      fetchOffset = batch.nextOffset
    }
  }
}

test(`a compacted topic has the last acknowledged value of every key after ${KILLS} kills (KILL_SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  const random = new SeededRandom(seed)
  running = await BrokerProcess.start({ dir, config })
  let client = await TestClient.connect('127.0.0.1', running.port)
  const configs = Object.entries({ 'cleanup.policy': 'compact', 'segment.ms': '50' })
  const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, {
    topics: [
      {
        name: TOPIC,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: configs.map(([name, value]) => ({ name, value })),
      },
    ],
  })
  expect(topics[0]!.errorCode).toBe(0)
  for (let kills = 0; kills < KILLS; kills++) {
    const hasCleaned = () => running?.log.some(({ msg }) => msg === 'compacted a log')
    for (let writes = random.integer(100, 300); writes > 0 || !hasCleaned(); writes--)
      await write(client, random)
    await delay(random.integer(0, 20))
    const killed: BrokerProcess = running
    running = undefined
    await killed.kill()
    await client.close()
    running = await BrokerProcess.start({ dir, config })
    client = await TestClient.connect('127.0.0.1', running.port)
    const { found } = await readAll(client)
    expect([...found].sort()).toEqual([...acknowledged].sort())
    expect(running.log.filter(({ level }) => level === 'error')).toEqual([])
  }
  const { count, highWatermark } = await readAll(client)
  expect(count).toBeLessThan(highWatermark)
  await client.close()
  await running.stop()
})
