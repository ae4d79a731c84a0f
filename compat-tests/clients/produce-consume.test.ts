import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/index.ts'
import type { Compression, OutgoingMessage } from '../support/client.ts'
import { clients } from '../support/clients.ts'

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker({
    config: { 'message.max.bytes': 8_000_000, 'offsets.topic.num.partitions': 2 },
  })
})
afterAll(() => broker.close())

let topics = 0
const newTopic = () => `messages-${topics++}`

function messagesOf(count: number, prefix = 'value'): OutgoingMessage[] {
  return Array.from({ length: count }, (_, index) => ({
    partition: 0,
    key: index % 3 === 0 ? null : `key-${index}`,
    value: Buffer.from(`${prefix}-${index}`),
    ...(index % 2 === 0 && { headers: { index: String(index) } }),
  }))
}

const digest = (bytes: Buffer) => `${bytes.length}:${createHash('sha1').update(bytes).digest('hex')}`

describe.each(clients)('$name', (client) => {
  const produce = async (
    topic: string,
    messages: readonly OutgoingMessage[],
    options: { compression?: Compression; acks?: 0 | 1 | -1; idempotent?: boolean } = {},
  ) => {
    const producer = await client.producer({ bootstrapServers: broker.bootstrapServers, ...options })
    await producer.send(topic, messages)
    await producer.close()
  }
  const consume = (topic: string, count: number, offset = 0) =>
    client.readFrom(broker.bootstrapServers, topic, { partition: 0, offset }, count)

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'keys, values and headers survive %s compression',
    async (compression) => {
      const topic = newTopic()
      const sent = messagesOf(50, compression.repeat(20))
      await produce(topic, sent, { compression })
      const received = await consume(topic, sent.length)
      expect(received).toEqual(
        sent.map(({ key, value, headers = {} }, offset) => ({ partition: 0, offset, key, value, headers })),
      )
    },
  )

  test.each([
    ['acks=0', { acks: 0 }],
    ['acks=1', { acks: 1 }],
    ['acks=all', { acks: -1 }],
    ['an idempotent producer', { idempotent: true }],
  ] as const)('messages sent with %s arrive once and in order', async (_, options) => {
    const topic = newTopic()
    const producer = await client.producer({ bootstrapServers: broker.bootstrapServers, ...options })
    for (let at = 0; at < 30; at += 10) await producer.send(topic, messagesOf(30).slice(at, at + 10))
    const received = await consume(topic, 30)
    await producer.close()
    expect(received.map(({ offset, value }) => [offset, value.toString()])).toEqual(
      messagesOf(30).map(({ value }, offset) => [offset, value.toString()]),
    )
  })

  test('messages of 1 B to 5 MB keep their bytes', async () => {
    const topic = newTopic()
    const sizes = [1, 2, 100, 4096, 65_535, 65_536, 1_000_000, 5_000_000, 1]
    const sent = sizes.map((size, index) => {
      const value = Buffer.alloc(size)
      for (let at = 0; at < size; at++) value[at] = (at * 31 + index + (at >> 8)) & 0xff
      return { partition: 0, key: null, value }
    })
    const producer = await client.producer({ bootstrapServers: broker.bootstrapServers })
    for (const message of sent) await producer.send(topic, [message])
    await producer.close()
    const received = await consume(topic, sent.length)
    expect(received.map(({ value }) => digest(value))).toEqual(sent.map(({ value }) => digest(value)))
  })

  test('a message beyond message.max.bytes is refused, and the next one is not', async () => {
    const topic = newTopic()
    const producer = await client.producer({ bootstrapServers: broker.bootstrapServers, acks: -1 })
    const tooLarge = { partition: 0, key: null, value: Buffer.alloc(8_000_001) }
    await expect(producer.send(topic, [tooLarge])).rejects.toThrow()
    await producer.send(topic, messagesOf(1))
    await producer.close()
    expect((await consume(topic, 1))[0]).toMatchObject({ offset: 0, value: Buffer.from('value-0') })
  })

  test('a seek into the middle of a batch starts at exactly that offset', async () => {
    const topic = newTopic()
    await produce(topic, messagesOf(100))
    const received = await consume(topic, 100 - 42, 42)
    expect(received.map(({ offset }) => offset)).toEqual(Array.from({ length: 58 }, (_, index) => 42 + index))
  })

  test('100,000 records come back complete, in order and with their content', async () => {
    const topic = newTopic()
    const total = 100_000
    const partitions = 4
    const admin = await client.admin(broker.bootstrapServers)
    await admin.createTopic(topic, partitions)
    await admin.close()
    const producer = await client.producer({ bootstrapServers: broker.bootstrapServers, idempotent: true })
    const size = 5000
    for (let first = 0; first < total; first += size) {
      await producer.send(
        topic,
        Array.from({ length: size }, (_, index) => ({
          partition: (first + index) % partitions,
          key: String(first + index),
          value: Buffer.from(`record ${first + index} of ${total}`),
        })),
      )
    }
    await producer.close()

    const nextOffsets = new Array<number>(partitions).fill(0)
    const faults: string[] = []
    let count = 0
    const { promise: complete, resolve } = Promise.withResolvers<void>()
    const member = await client.member({
      bootstrapServers: broker.bootstrapServers,
      groupId: `volume-${topic}`,
      topic,
      onMessage({ partition, offset, key, value }) {
        const expected = offset * partitions + partition
        const isRight = key === String(expected) && value.toString() === `record ${expected} of ${total}`
        if (offset !== nextOffsets[partition] || !isRight)
          faults.push(`${partition}@${offset}: ${key} ${value}, expected offset ${nextOffsets[partition]}`)
        nextOffsets[partition] = offset + 1
        if (++count === total) resolve()
      },
    })
    await complete
    await member.leave()
    expect(faults.slice(0, 5)).toEqual([])
    expect(nextOffsets).toEqual(new Array(partitions).fill(total / partitions))
  })
})
