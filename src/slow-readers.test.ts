/** Memory that is used again under a whole broker: who is slow to read, or goes away, and whose records take long. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import type { Broker } from './broker.ts'
import type { FileSystem } from './logstore/file-system.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { NodeFileSystem } from './logstore/node-fs.ts'
import { DirectoryClient } from './testing/directory-client.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TestClient } from './testing/test-client.ts'
import { apiByKey } from './wire/apis.ts'
import { BatchReader } from './wire/batch.ts'
import { decode } from './wire/codec.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { readResponseHead } from './wire/frame.ts'
import { Reader } from './wire/reader.ts'
import { readRecords } from './wire/record-reader.ts'
import { type BatchInput, encodeBatch } from './wire/records.ts'
import { produceRequest, produceResponse } from './wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from './wire/schemas/01-fetch.ts'

const FETCH_VERSION = 12
const MEGABYTE = 1024 * 1024

const running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.splice(0).reverse()) await closeable.close()
})

async function start(
  overrides: Record<string, string>,
  fs: FileSystem = new MemoryFileSystem(),
): Promise<{ broker: Broker; admin: DirectoryClient }> {
  const broker = await startTestBroker(fs, { overrides })
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  const admin = await DirectoryClient.connect(host, port)
  running.push(admin)
  return { broker, admin }
}

async function connect(broker: Broker): Promise<TestClient> {
  const { host, port } = broker.listeners[0]!
  const client = await TestClient.connect(host, port)
  running.push(client)
  return client
}

/** What the record at this offset holds: nothing that another one does, of 100 bytes to 260 KB. */
function valueAt(offset: number): Buffer {
  const sizes = [100, 5000, 60_000, 260_000]
  return Buffer.alloc(sizes[offset % sizes.length]!, `<${offset}>`)
}

async function produce(
  client: TestClient,
  topic: string,
  value: Buffer,
  acks: number,
  input: Partial<BatchInput> = {},
): Promise<number> {
  const records = encodeBatch({ baseTimestamp: Date.now(), records: [{ value }], ...input })
  const answer = await client.send(produceRequest, produceResponse, 9, {
    acks,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
  const partition = answer.responses[0]!.partitionResponses[0]!
  expect(partition.errorCode).toBe(ErrorCode.NONE)
  return partition.baseOffset
}

function askFrom(client: TestClient, topic: string, fetchOffset: number, maxBytes: number): number {
  return client.sendOneWay(fetchRequest, FETCH_VERSION, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: maxBytes }] }],
  })
}

/** Throws where a byte of what was read is not as it was sent; returns the offset after it. */
function check(frame: Buffer, fromOffset: number, expected: (offset: number) => Buffer): number {
  const reader = new Reader(frame)
  readResponseHead(apiByKey(1)!, FETCH_VERSION, reader)
  const partition = decode(fetchResponse, FETCH_VERSION, reader).responses[0]!.partitions[0]!
  expect(partition.errorCode).toBe(ErrorCode.NONE)
  let next = fromOffset
  for (const batch of new BatchReader(partition.records!)) {
    if (!batch.crcIsRight()) throw new Error(`the batch at ${next} is damaged`)
    for (const { offset, value } of readRecords(batch, 16 * MEGABYTE)) {
      if (offset !== next || value?.equals(expected(offset)) !== true)
        throw new Error(`the record at ${next} is ${offset}, of ${value?.length} bytes`)
      next++
    }
  }
  return next
}

/** Asks for megabytes and takes a piece of them now and then. */
class SlowReader {
  readonly client: TestClient
  readonly #answers: readonly { readonly from: number; readonly frame: Promise<Buffer> }[]
  #isSlow = true

  /** An answer of so many bytes from each place, all asked for at once. */
  constructor(client: TestClient, topic: string, places: readonly number[], maxBytes: number) {
    this.client = client
    client.socket.pause()
    client.socket.on('data', () => {
      if (this.#isSlow) client.socket.pause()
    })
    this.#answers = places.map((from) => {
      const frame = client.answer(askFrom(client, topic, from, maxBytes))
      frame.catch(() => {})
      return { from, frame }
    })
  }

  takePiece(): void {
    this.client.socket.resume()
  }

  /** The broker has begun to answer, and the first bytes are here. */
  async hasBegun(): Promise<void> {
    const begun = once(this.client.socket, 'data')
    this.takePiece()
    await begun
  }

  /** Reads on, and returns how many records it was given. */
  async takeRest(expected: (offset: number) => Buffer = valueAt): Promise<number> {
    this.#isSlow = false
    this.client.socket.resume()
    let records = 0
    for (const { from, frame } of this.#answers) records += check(await frame, from, expected) - from
    return records
  }
}

const directory = mkdtempSync(join(tmpdir(), 'sluice-slow-readers-'))
afterAll(() => rmSync(directory, { recursive: true }))

test.each([
  ['a disk in memory', new MemoryFileSystem(), '/data'],
  ['a disk', new NodeFileSystem(), directory],
])(
  'who is slow to read gets what was there, whatever was produced and forgotten meanwhile, with %s',
  async (...given) => {
    const [, fs, logDirs] = given
    const { broker, admin } = await start(
      { 'sluice.tail.cache.bytes': String(8 * MEGABYTE), 'log.dirs': logDirs },
      fs,
    )
    await admin.create('t', 1)
    const producer = await connect(broker)
    const readers: SlowReader[] = []
    const gone: SlowReader[] = []
    let end = 0
    const produceMore = async (count: number, whileReading: boolean) => {
      for (let i = 0; i < count; i++) {
        expect(await produce(producer, 't', valueAt(end), end % 2 === 0 ? 1 : -1)).toBe(end)
        end++
        if (whileReading) for (const reader of [...readers, ...gone]) reader.takePiece()
      }
    }
    await produceMore(100, false)
    for (const from of [10, 10, 13, 30]) {
      for (const list of [readers, gone]) {
        const start = end - 100 + from
        list.push(new SlowReader(await connect(broker), 't', [start], 12 * MEGABYTE))
        // Of the disk, which lends memory for pieces of up to a megabyte.
        const places = Array.from({ length: 14 }, (_, index) => index * 3)
        list.push(new SlowReader(await connect(broker), 't', places, MEGABYTE))
      }
      await produceMore(4, false)
    }
    // More than the cache holds, and none of the answers moves.
    await produceMore(110, false)
    await produceMore(20, true)
    for (const { client } of gone.splice(0)) await client.close()
    await produceMore(20, true)
    for (const reader of readers) expect(await reader.takeRest()).toBeGreaterThan(50)
    // Whatever was given back at the wrong time would be in the way of those who read it all.
    const all = await connect(broker)
    for (let from = 0; from < end; ) {
      from = check(await all.answer(askFrom(all, 't', from, 3 * MEGABYTE)), from, valueAt)
    }
  },
)

test.each([
  ['which the cache copied', 250_000, 18],
  ['in the memory of its request', 500_000, 34],
])(
  'an answer from the tail cache stays as it was, %s, when that memory has long been used for other records',
  async (_, bytes, cacheMegabytes) => {
    const { broker, admin } = await start({ 'sluice.tail.cache.bytes': String(cacheMegabytes * MEGABYTE) })
    await admin.create('t', 1)
    const producer = await connect(broker)
    // Each nearly fills its memory, and all of them are more than the kernel takes of one answer.
    const value = (offset: number) => Buffer.alloc(bytes, `<${offset}>`)
    const cached = 60
    for (let offset = 0; offset < cached; offset++) await produce(producer, 't', value(offset), 1)
    const reader = new SlowReader(await connect(broker), 't', [0], 40 * MEGABYTE)
    await reader.hasBegun()
    for (let offset = cached; offset < 2.5 * cached; offset++) await produce(producer, 't', value(offset), 1)
    expect(await reader.takeRest(value)).toBe(cached)
  },
)

test('records that are looked at and compressed in turns are those that were sent, whoever sends meanwhile', async () => {
  const { broker, admin } = await start({ 'sluice.tail.cache.bytes': String(MEGABYTE) })
  await admin.create('zipped', 1, { 'compression.type': 'zstd', 'max.message.bytes': '10000000' })
  await admin.create('flushed', 1, { 'flush.messages': '1' })
  const sent = new Map<number, Buffer>()
  const flushed = new Map<number, Buffer>()
  const producers = await Promise.all(Array.from({ length: 4 }, () => connect(broker)))
  await Promise.all(
    producers.map(async (client, index) => {
      for (let round = 0; round < 4; round++) {
        const large = Buffer.alloc(900_000, `${index}/${round},`)
        const small = Buffer.alloc(20_000, `${index}-${round};`)
        const compression = round % 2 === 0 ? 'gzip' : 'none'
        const answers = await Promise.all([
          produce(client, 'zipped', large, -1, { compression }),
          produce(client, 'flushed', small, 1),
          produce(client, 'zipped', small, 1),
        ])
        sent.set(answers[0], large).set(answers[2], small)
        flushed.set(answers[1], small)
      }
    }),
  )
  for (const [topic, values] of Object.entries({ zipped: sent, flushed })) {
    const client = await connect(broker)
    for (let from = 0; from < values.size; ) {
      from = check(
        await client.answer(askFrom(client, topic, from, MEGABYTE)),
        from,
        (offset) => values.get(offset)!,
      )
    }
  }
})
