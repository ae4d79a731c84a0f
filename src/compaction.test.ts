import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type RunningBroker, type StartBrokerOptions, startBroker } from './index.ts'
import { TestClient } from './testing/test-client.ts'
import { BatchReader } from './wire/batch.ts'
import { readRecords } from './wire/record-reader.ts'
import { encodeBatch } from './wire/records.ts'
import { produceRequest, produceResponse } from './wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from './wire/schemas/01-fetch.ts'
import { offsetCommitRequest, offsetCommitResponse } from './wire/schemas/08-offset-commit.ts'
import { offsetFetchRequest, offsetFetchResponse } from './wire/schemas/09-offset-fetch.ts'
import { createTopicsRequest, createTopicsResponse } from './wire/schemas/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from './wire/schemas/20-delete-topics.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from './wire/schemas/44-incremental-alter-configs.ts'

const dirs: string[] = []
const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.close()
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true })
})

/** Every record begins a segment where it is a millisecond later than the one before. */
const COMPACTED = { 'cleanup.policy': 'compact', 'segment.ms': '1', 'min.cleanable.dirty.ratio': '0' }

function newDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-compaction-'))
  dirs.push(dir)
  return dir
}

async function start(
  storage: StartBrokerOptions['storage'],
): Promise<RunningBroker & { client: TestClient }> {
  const config = { 'log.cleaner.backoff.ms': 5, 'offsets.topic.num.partitions': 1 }
  const broker = await startBroker({ ...(storage !== undefined && { storage }), config })
  running.push(broker)
  const client = await TestClient.connect(broker.host, broker.port)
  running.push(client)
  return { ...broker, client, close: () => client.close().then(() => broker.close()) }
}

async function createTopic(client: TestClient, name: string): Promise<void> {
  const configs = Object.entries(COMPACTED).map(([key, value]) => ({ name: key, value }))
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs }
  const { topics } = await client.send(createTopicsRequest, createTopicsResponse, 7, { topics: [topic] })
  expect(topics[0]!.errorCode).toBe(0)
}

async function produce(
  client: TestClient,
  topic: string,
  key: string,
  value: string,
  at: number,
): Promise<void> {
  const records = [
    encodeBatch({ baseTimestamp: at, records: [{ key: Buffer.from(key), value: Buffer.from(value) }] }),
  ]
  const { responses } = await client.send(produceRequest, produceResponse, 9, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
  expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(0)
}

async function contents(client: TestClient, topic: string): Promise<string[]> {
  const found: string[] = []
  for (let fetchOffset = 0; ; ) {
    const { responses } = await client.send(fetchRequest, fetchResponse, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
    })
    const { errorCode, records, highWatermark } = responses[0]!.partitions[0]!
    expect(errorCode).toBe(0)
    for (const batch of new BatchReader(records ?? Buffer.alloc(0))) {
      for (const { offset, key, value } of readRecords(batch, 1 << 20))
        found.push(`${offset}:${key}=${value}`)
      fetchOffset = batch.nextOffset
    }
    if (fetchOffset >= highWatermark) return found
  }
}

describe('a broker', () => {
  it.each([
    ['in a thread, where its storage is a directory', newDirectory],
    ['in slices, where its storage is memory', () => 'memory' as const],
  ])('compacts a topic %s', async (_, storage) => {
    const dir = storage()
    const { client } = await start(dir === 'memory' ? dir : { dir })
    await createTopic(client, 'compacted')
    for (let n = 0; n < 30; n++) await produce(client, 'compacted', `k${n % 3}`, `v${n}`, 1000 + n * 10)
    const left = ['26:k2=v26', '27:k0=v27', '28:k1=v28', '29:k2=v29']
    // The active segment is the last record's.
    await expect.poll(() => contents(client, 'compacted'), { timeout: 10_000 }).toEqual(left)
    // What is deleted while it may be cleaned goes as it should.
    await produce(client, 'compacted', 'k0', 'v30', 2000)
    const deleted = await client.send(deleteTopicsRequest, deleteTopicsResponse, 6, {
      topics: [{ name: 'compacted' }],
      timeoutMs: 1000,
    })
    expect(deleted.responses[0]!.errorCode).toBe(0)
    await createTopic(client, 'compacted')
    await produce(client, 'compacted', 'k0', 'new', 1000)
    expect(await contents(client, 'compacted')).toEqual(['0:k0=new'])
  })

  it('has the offsets of its groups after their topic was compacted', async () => {
    const dir = newDirectory()
    const first = await start({ dir })
    await createTopic(first.client, 'any')
    const altered = await first.client.send(
      incrementalAlterConfigsRequest,
      incrementalAlterConfigsResponse,
      1,
      {
        resources: [
          {
            resourceType: 2,
            resourceName: '__consumer_offsets',
            configs: Object.entries(COMPACTED).map(([name, value]) => ({ name, configOperation: 0, value })),
          },
        ],
        validateOnly: false,
      },
    )
    expect(altered.responses[0]!.errorCode).toBe(0)
    const groups = ['one', 'two', 'three']
    const commit = async (groupId: string, committedOffset: bigint) => {
      const { topics } = await first.client.send(offsetCommitRequest, offsetCommitResponse, 8, {
        groupId,
        topics: [
          { name: 'any', partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] },
        ],
      })
      expect(topics[0]!.partitions[0]!.errorCode).toBe(0)
    }
    const checkpoint = join(dir, 'cleaner-offset-checkpoint')
    const isCleaned = () =>
      existsSync(checkpoint) && /^__consumer_offsets 0 /m.test(readFileSync(checkpoint, 'utf8'))
    let commits = 0
    await expect
      .poll(
        async () => {
          for (const group of groups) await commit(group, BigInt(commits++))
          return isCleaned()
        },
        { timeout: 10_000, interval: 2 },
      )
      .toBe(true)
    await first.close()

    const { client } = await start({ dir })
    const found: bigint[] = []
    for (const groupId of groups) {
      const { topics } = await client.send(offsetFetchRequest, offsetFetchResponse, 7, {
        groupId,
        topics: null,
      })
      found.push(topics[0]!.partitions[0]!.committedOffset)
    }
    expect(found).toEqual([3, 2, 1].map((back) => BigInt(commits - back)))
  })
})
