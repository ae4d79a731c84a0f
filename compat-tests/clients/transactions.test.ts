import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/index.ts'

let broker: RunningBroker
let kafka: Kafka
beforeAll(async () => {
  broker = await startBroker({
    config: {
      'offsets.topic.num.partitions': 2,
      'transaction.state.log.num.partitions': 2,
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': 50,
    },
  })
  kafka = new Kafka({
    brokers: [broker.bootstrapServers],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 8 },
  })
})
afterAll(() => broker.close())

let count = 0
async function newTopic(partitions = 1): Promise<string> {
  const topic = `transactions-${count++}`
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
  await admin.disconnect()
  return topic
}

async function withProducer<T>(
  transactionalId: string,
  use: (producer: Producer) => Promise<T>,
  timeoutMs = 60_000,
): Promise<T> {
  const producer = kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: timeoutMs,
  })
  await producer.connect()
  try {
    return await use(producer)
  } finally {
    await producer.disconnect()
  }
}

/** The values of a topic, sorted, that a reader sees before each partition's `end`. */
async function read(topic: string, { partitions = 1, readUncommitted = false } = {}): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: `reads-${count++}`, readUncommitted, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  const { promise: done, resolve } = Promise.withResolvers<void>()
  let ends = 0
  await consumer.run({
    eachMessage: async ({ message }) => {
      const value = String(message.value)
      if (value !== 'end') values.push(value)
      else if (++ends === partitions) resolve()
    },
  })
  await done
  await consumer.disconnect()
  return values.sort()
}

async function sendEnd(topic: string, partitions = 1): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  const messages = Array.from({ length: partitions }, (_, partition) => ({ value: 'end', partition }))
  await producer.send({ topic, messages })
  await producer.disconnect()
}

describe('kafkajs', () => {
  test('what is committed is read, what is aborted is not', async () => {
    const topic = await newTopic()
    await withProducer('commits-and-aborts', async (producer) => {
      for (const [value, commit] of [
        ['a', true],
        ['b', false],
        ['c', true],
      ] as const) {
        const transaction = await producer.transaction()
        await transaction.send({ topic, messages: [{ value: `${value}1` }, { value: `${value}2` }] })
        await (commit ? transaction.commit() : transaction.abort())
      }
    })
    await sendEnd(topic)
    expect(await read(topic)).toEqual(['a1', 'a2', 'c1', 'c2'])
    expect(await read(topic, { readUncommitted: true })).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
  })

  test('a transaction over several topics and partitions is seen when it is committed, and not before', async () => {
    const [first, second] = [await newTopic(3), await newTopic()]
    await withProducer('several', async (producer) => {
      const transaction = await producer.transaction()
      const messages = [0, 1, 2].map((partition) => ({ value: `p${partition}`, partition }))
      await transaction.sendBatch({
        topicMessages: [
          { topic: first, messages },
          { topic: second, messages: [{ value: 'q' }] },
        ],
      })
      await sendEnd(first, 3)
      const committed = read(first, { partitions: 3 })
      expect(await read(first, { partitions: 3, readUncommitted: true })).toEqual(['p0', 'p1', 'p2'])
      expect(await Promise.race([committed, Promise.resolve('nothing yet')])).toBe('nothing yet')
      await transaction.commit()
      expect(await committed).toEqual(['p0', 'p1', 'p2'])
    })
    await sendEnd(second)
    expect(await read(second)).toEqual(['q'])
  })

  test('offsets go with the transaction: read, transform, write', async () => {
    const [source, target] = [await newTopic(), await newTopic()]
    const groupId = 'transformers'
    const offset = async () => {
      const admin = kafka.admin()
      await admin.connect()
      const [found] = await admin.fetchOffsets({ groupId, topics: [source] })
      await admin.disconnect()
      return found?.partitions[0]?.offset
    }
    await withProducer('transform', async (producer) => {
      const step = async (next: string, commit: boolean) => {
        const transaction = await producer.transaction()
        await transaction.send({ topic: target, messages: [{ value: `up to ${next}` }] })
        await transaction.sendOffsets({
          consumerGroupId: groupId,
          topics: [{ topic: source, partitions: [{ partition: 0, offset: next }] }],
        })
        await (commit ? transaction.commit() : transaction.abort())
      }
      await step('5', true)
      expect(await offset()).toBe('5')
      await step('9', false)
      expect(await offset()).toBe('5')
      await step('7', true)
      expect(await offset()).toBe('7')
    })
    await sendEnd(target)
    expect(await read(target)).toEqual(['up to 5', 'up to 7'])
  })

  test('a second producer of the same id fences the first, whose open transaction is aborted', async () => {
    const topic = await newTopic()
    await withProducer('fenced', async (first) => {
      const lost = await first.transaction()
      await lost.send({ topic, messages: [{ value: 'lost' }] })
      await withProducer('fenced', async (second) => {
        const transaction = await second.transaction()
        await transaction.send({ topic, messages: [{ value: 'kept' }] })
        await transaction.commit()
      })
      await expect(lost.commit()).rejects.toThrow()
    })
    await sendEnd(topic)
    expect(await read(topic)).toEqual(['kept'])
  })

  test('a transaction that takes longer than its timeout is aborted', async () => {
    const topic = await newTopic()
    await withProducer(
      'slow',
      async (producer) => {
        const transaction = await producer.transaction()
        await transaction.send({ topic, messages: [{ value: 'late' }] })
        await sendEnd(topic)
        expect(await read(topic)).toEqual([])
        await expect(transaction.commit()).rejects.toThrow()
      },
      100,
    )
  })
})
