/** What goes with a topic that is deleted, and what a topic made again under its name knows of it: nothing. */
import { afterEach, describe, expect, it } from 'vitest'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { DirectoryClient } from './testing/directory-client.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { encodeBatch } from './wire/records.ts'
import { ZERO_UUID } from './wire/schema.ts'
import { fetchRequest, fetchResponse } from './wire/schemas/01-fetch.ts'

const running: { close(): Promise<void> }[] = []
afterEach(stop)

async function stop(): Promise<void> {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
}

async function start(fs: MemoryFileSystem) {
  const broker = await startTestBroker(fs, {
    overrides: { 'offsets.topic.num.partitions': '1', 'sluice.http.listener': '127.0.0.1:0' },
  })
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  const client = await DirectoryClient.connect(host, port)
  running.push(client)
  const gauge = async (name: string): Promise<number> => {
    const metrics = await (await fetch(`http://127.0.0.1:${broker.httpPort}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1])
  }
  return { client, gauge }
}

const filesOf = (fs: MemoryFileSystem) => fs.readDirectory('/data').filter((name) => name.startsWith('t-'))
const DELETED = /^t-0\.[0-9a-f]{32}-delete$/

function idempotentBatch(baseSequence: number): Buffer {
  return encodeBatch({
    baseTimestamp: Date.now(),
    producerId: 1,
    producerEpoch: 0,
    baseSequence,
    records: [{ value: Buffer.from('v') }],
  })
}

describe('the disk of a topic that is deleted', () => {
  it('keeps its files under another name until the delay is over', async () => {
    const fs = new MemoryFileSystem()
    const { client } = await start(fs)
    await client.create('t', 1)
    await client.produce('t', 0, 'a')
    expect(await client.delete('t')).toBe(ErrorCode.NONE)
    expect(filesOf(fs)).toEqual([expect.stringMatching(DELETED)])
    await client.create('t', 1)
    expect(filesOf(fs)).toEqual(['t-0', expect.stringMatching(DELETED)])
  })

  it('is freed after the delay, and after a kill before that by the next start', async () => {
    const fs = new MemoryFileSystem()
    const { client } = await start(fs)
    await client.create('t', 1, { 'file.delete.delay.ms': '0' })
    await client.delete('t')
    await client.until(async () => filesOf(fs).length === 0)
    await client.create('t', 1)
    await client.delete('t')
    expect(filesOf(fs)).toHaveLength(1)
    fs.kill()
    const { client: again } = await start(fs)
    await again.until(async () => filesOf(fs).length === 0)
  })

  it('has no file open, nor anything in the cache', async () => {
    const { client, gauge } = await start(new MemoryFileSystem())
    const before = [await gauge('sluice_open_files'), await gauge('sluice_tail_cache_bytes')]
    await client.create('t', 3)
    for (const partition of [0, 1, 2]) await client.produce('t', partition, 'x'.repeat(10_000))
    expect(await gauge('sluice_tail_cache_bytes')).toBeGreaterThan(30_000)
    expect(await gauge('sluice_open_files')).toBeGreaterThan(before[0]!)
    await client.delete('t')
    expect([await gauge('sluice_open_files'), await gauge('sluice_tail_cache_bytes')]).toEqual(before)
    expect(await gauge('sluice_log_bytes')).toBe(0)
  })
})

describe('a topic made again under the name of another', () => {
  async function madeAgain() {
    const started = await start(new MemoryFileSystem())
    const { client } = started
    const oldId = await client.create('t', 1)
    for (const sequence of [0, 1]) await client.produceBatch('t', 0, idempotentBatch(sequence))
    expect(await client.commit('g', 't', 2n)).toBe(ErrorCode.NONE)
    await client.delete('t')
    const newId = await client.create('t', 1)
    return { ...started, oldId, newId }
  }

  function fetchById(
    client: DirectoryClient,
    topicId: string,
    session: { id: number; epoch: number },
    again = false,
  ) {
    return client.client.send(fetchRequest, fetchResponse, 13, {
      maxWaitMs: 0,
      minBytes: 0,
      sessionId: session.id,
      sessionEpoch: session.epoch,
      topics: again
        ? []
        : [{ topicId, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
    })
  }

  it('has another id, and no records, whatever was cached', async () => {
    const { client, oldId, newId } = await madeAgain()
    expect(newId).not.toBe(oldId)
    expect(newId).not.toBe(ZERO_UUID)
    expect(await client.values('t', 0)).toEqual([])
    expect(await client.endOffset('t', 0)).toEqual({ errorCode: ErrorCode.NONE, offset: 0 })
    const { responses } = await fetchById(client, oldId, { id: 0, epoch: -1 })
    expect(responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
  })

  it('knows none of its producers: one begins anew, or amid its sequence', async () => {
    const { client } = await madeAgain()
    expect(await client.produceBatch('t', 0, idempotentBatch(5))).toBe(ErrorCode.NONE)
    expect(await client.produceBatch('t', 0, idempotentBatch(9))).toBe(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(await client.values('t', 0)).toHaveLength(1)
  })

  it('has none of its committed offsets', async () => {
    const { client } = await madeAgain()
    await client.until(async () => (await client.committedOffset('g', 't')).offset === -1n)
    expect(await client.commit('g', 't', 0n)).toBe(ErrorCode.NONE)
    expect((await client.committedOffset('g', 't')).offset).toBe(0n)
  })

  it('is not fetched by a session that named the other by its id', async () => {
    const { client } = await start(new MemoryFileSystem())
    const id = await client.create('t', 1)
    const { sessionId } = await fetchById(client, id, { id: 0, epoch: 0 })
    expect(sessionId).not.toBe(0)
    await client.delete('t')
    const gone = await fetchById(client, id, { id: sessionId, epoch: 1 }, true)
    expect(gone.responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    await client.create('t', 1)
    const other = await fetchById(client, id, { id: sessionId, epoch: 2 }, true)
    expect(other.responses[0]!.partitions[0]!.errorCode).toBe(ErrorCode.INCONSISTENT_TOPIC_ID)
    const byName = await client.client.send(fetchRequest, fetchResponse, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      sessionId,
      sessionEpoch: 3,
      topics: [],
    })
    expect(byName.errorCode).toBe(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
  })
})
