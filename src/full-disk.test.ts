/** A disk that fills up, at any write, and has room again: what clients are told, and what is there afterwards. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Broker } from './broker.ts'
import { FaultyFileSystem } from './logstore/faulty-fs.ts'
import type { FileSystem } from './logstore/file-system.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { isDeep } from './testing/depth.ts'
import { DirectoryClient } from './testing/directory-client.ts'
import { SeededRandom } from './testing/seeded-random.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { ErrorCode } from './wire/error-codes.ts'
import { encodeBatch } from './wire/records.ts'

const SEEDS = isDeep ? 100 : 6
const TOPICS = ['plain', 'flushed', 'compacted'] as const
const OFFSETS_LOG = '/data/__consumer_offsets-0'
const START_MS = 1_700_000_000_000
const overrides = {
  'offsets.topic.num.partitions': '1',
  'log.cleaner.backoff.ms': '1',
  'sluice.tail.cache.bytes': '2000',
}

let running: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const closeable of running.reverse()) await closeable.close()
  running = []
})

async function start(disk: FileSystem): Promise<{ broker: Broker; client: DirectoryClient }> {
  const broker = await startTestBroker(disk, { overrides })
  running.push(broker)
  const { host, port } = broker.listeners[0]!
  const client = await DirectoryClient.connect(host, port)
  running.push(client)
  return { broker, client }
}

/** What was asked for and what was granted, over as many lives of the broker as it takes. */
class Work {
  readonly #random: SeededRandom
  /** By topic, in order. */
  readonly acknowledged = new Map<string, string[]>(TOPICS.map((topic) => [topic, []]))
  readonly made: string[] = []
  readonly refused: string[] = []
  /** Of group g, and the highest that was asked for. */
  committed = -1n
  asked = -1n
  #count = 0

  constructor(random: SeededRandom) {
    this.#random = random
  }

  async step(client: DirectoryClient): Promise<void> {
    const kind = this.#random.integer(0, 19)
    if (kind === 0) await this.create(client)
    else if (kind < 6) await this.commit(client)
    else await this.produce(client, this.#random.pick(TOPICS))
  }

  /** Timestamps move on, so that segments of a second roll every few records. */
  async produce(client: DirectoryClient, topic: string): Promise<number> {
    const value = `${this.#count++} ${'x'.repeat(this.#random.integer(0, 1500))}`
    const records = encodeBatch({
      baseTimestamp: START_MS + this.#count * 150,
      records: [{ key: Buffer.from(value), value: Buffer.from(value) }],
    })
    const errorCode = await client.produceBatch(topic, 0, records)
    if (errorCode === ErrorCode.NONE) this.acknowledged.get(topic)!.push(value)
    else this.#refused('produce', errorCode, ErrorCode.KAFKA_STORAGE_ERROR)
    return errorCode
  }

  async commit(client: DirectoryClient): Promise<number> {
    this.asked++
    const errorCode = await client.commit('g', 'plain', this.asked)
    if (errorCode === ErrorCode.NONE) this.committed = this.asked
    else this.#refused('commit', errorCode, ErrorCode.NOT_COORDINATOR)
    return errorCode
  }

  async create(client: DirectoryClient): Promise<void> {
    const name = `made-${this.#count++}`
    try {
      await client.create(name, 1)
      this.made.push(name)
    } catch (error) {
      this.refused.push(String(error))
    }
  }

  async check(client: DirectoryClient): Promise<void> {
    for (const [topic, values] of this.acknowledged) expect(await client.values(topic, 0)).toEqual(values)
    const { offset } = await client.committedOffset('g', 'plain')
    expect(offset ?? -1n).toBe(this.committed)
  }

  #refused(what: string, errorCode: number, expected: number): void {
    expect(errorCode, what).toBe(expected)
    this.refused.push(what)
  }
}

/** Everything goes on as before: the topics that were made, too. */
async function checkRecovered(work: Work, client: DirectoryClient): Promise<void> {
  for (const topic of TOPICS) expect(await work.produce(client, topic)).toBe(ErrorCode.NONE)
  expect(await work.commit(client)).toBe(ErrorCode.NONE)
  await client.create(`after-${work.made.length}-${work.refused.length}`, 1)
  for (const topic of work.made)
    await client.until(async () => (await client.produce(topic, 0, 'v')) === ErrorCode.NONE)
  await work.check(client)
}

describe('a disk that fills up', () => {
  it.each(Array.from({ length: SEEDS }, (_, seed) => seed))(
    'refuses what needs room, keeps what was granted, and goes on by itself when there is some (seed %i)',
    async (seed) => {
      const random = new SeededRandom(seed)
      const disk = new MemoryFileSystem()
      const work = new Work(random)
      let { broker, client }: { broker: Broker | undefined; client: DirectoryClient } = await start(disk)
      const rolling = { 'segment.ms': '1000' }
      await client.create('plain', 1, rolling)
      await client.create('flushed', 1, { ...rolling, 'flush.messages': '1' })
      await client.create('compacted', 1, {
        ...rolling,
        'cleanup.policy': 'compact',
        'min.cleanable.dirty.ratio': '0.01',
      })
      expect(await work.commit(client)).toBe(0)
      let failure: string | undefined
      for (let round = 0; round < 3; round++) {
        const alive = broker
        void alive?.failed.then((reason) => {
          if (alive === broker) failure = reason
        })
        const { totalBytes } = disk.space('/')
        disk.capacityBytes = totalBytes
        disk.capacityBytes = totalBytes - disk.space('/').usableBytes + random.integer(0, 12_000)
        const before = work.refused.length
        for (let steps = 0; steps < 400 && work.refused.length < before + 10; steps++) await work.step(client)
        expect(work.refused.length).toBeGreaterThan(before)
        await work.check(client)
        expect(failure).toBeUndefined()
        disk.capacityBytes = undefined
        if (round === 1) {
          // Killed while it is full.
          broker = undefined
          disk.kill()
          for (const closeable of running.splice(0).reverse()) await closeable.close()
          ;({ broker, client } = await start(disk))
          await work.check(client)
        }
        await checkRecovered(work, client)
        expect(failure).toBeUndefined()
      }
    },
  )
})

describe('a coordinator whose log finds no room at the start', () => {
  it('is there when there is some, with all that it knew', async () => {
    const disk = new MemoryFileSystem()
    const before = await start(disk)
    await before.client.create('plain', 1)
    expect(await before.client.commit('g', 'plain', 7n)).toBe(ErrorCode.NONE)
    disk.kill()
    for (const closeable of running.splice(0).reverse()) await closeable.close()
    for (const name of disk.readDirectory(OFFSETS_LOG))
      if (name.endsWith('index')) disk.removeFile(`${OFFSETS_LOG}/${name}`)
    const faulty = new FaultyFileSystem(disk)
    const full = faulty.inject({
      operations: ['create', 'write'],
      path: /__consumer_offsets-0/,
      code: 'ENOSPC',
    })
    const { client } = await start(faulty)
    expect(await client.commit('g', 'plain', 8n)).toBe(ErrorCode.NOT_COORDINATOR)
    full.remove()
    await client.until(async () => (await client.committedOffset('g', 'plain')).offset === 7n)
    expect(await client.commit('g', 'plain', 8n)).toBe(ErrorCode.NONE)
  })
})
