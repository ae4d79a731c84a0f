/** A broker on a real file system of a few megabytes, which somebody else fills up and frees again. */
import { afterEach, expect, test } from 'vitest'
import { DirectoryClient } from '../../src/testing/directory-client.ts'
import { ErrorCode } from '../../src/wire/error-codes.ts'
import { BrokerProcess } from '../support/broker-process.ts'
import { eventually } from '../support/eventually.ts'
import { canMount, SmallDisk } from '../support/small-disk.ts'

const DISK_BYTES = 24 * 1024 * 1024
const VALUE_BYTES = 20_000
const GROUP = 'g'
const TOPICS = ['plain', 'flushed'] as const

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function start(disk: SmallDisk) {
  const broker = await BrokerProcess.start({
    dir: disk.dataDirectory,
    within: disk.within,
    config: { 'offsets.topic.num.partitions': 1, 'log.flush.offset.checkpoint.interval.ms': 200 },
  })
  ends.push(() => broker.kill())
  const client = await DirectoryClient.connect('127.0.0.1', broker.port)
  ends.push(() => client.close())
  return { broker, client }
}

/** What was acknowledged, by topic, and the offset that was committed last. */
class Work {
  readonly values = new Map<string, string[]>(TOPICS.map((topic) => [topic, []]))
  #committed = -1n
  #count = 0

  async produce(client: DirectoryClient, topic: string): Promise<number> {
    const value = `${this.#count++} ${'x'.repeat(VALUE_BYTES)}`
    const errorCode = await client.produce(topic, 0, value)
    if (errorCode === ErrorCode.NONE) this.values.get(topic)!.push(value)
    return errorCode
  }

  async commit(client: DirectoryClient): Promise<number> {
    const offset = this.#committed + 1n
    const errorCode = await client.commit(GROUP, 'plain', offset)
    if (errorCode === ErrorCode.NONE) this.#committed = offset
    return errorCode
  }

  async check(client: DirectoryClient): Promise<void> {
    for (const topic of TOPICS) expect(await client.values(topic, 0)).toEqual(this.values.get(topic))
    expect((await client.committedOffset(GROUP, 'plain')).offset).toBe(this.#committed)
  }
}

test.skipIf(!canMount())(
  'a disk that is full refuses producers and serves readers, over a kill too, and all goes on when there is room',
  { timeout: 120_000 },
  async () => {
    const disk = await SmallDisk.mount(DISK_BYTES)
    ends.push(() => disk.unmount())
    let { broker, client } = await start(disk)
    const work = new Work()
    await client.create('plain', 1)
    await client.create('flushed', 1, { 'flush.messages': '1' })
    for (const topic of TOPICS) expect(await work.produce(client, topic)).toBe(ErrorCode.NONE)
    await eventually('a group', async () => (await work.commit(client)) === ErrorCode.NONE, 30_000)
    for (const end of ['left alone', 'killed'] as const) {
      disk.fill()
      for (const topic of TOPICS) {
        // What is left of a page takes a little more.
        await eventually(
          `${topic} is full`,
          async () => (await work.produce(client, topic)) === ErrorCode.KAFKA_STORAGE_ERROR,
          30_000,
        )
      }
      await work.check(client)
      if (end === 'killed') {
        await broker.kill()
        ;({ broker, client } = await start(disk))
      }
      disk.free()
      for (const topic of TOPICS) {
        await eventually(
          `${topic} goes on`,
          async () => (await work.produce(client, topic)) === ErrorCode.NONE,
          30_000,
        )
      }
      await eventually(
        'the group goes on',
        async () => (await work.commit(client)) === ErrorCode.NONE,
        30_000,
      )
      await work.check(client)
    }
    expect((await broker.stop()).code).toBe(0)
  },
)
