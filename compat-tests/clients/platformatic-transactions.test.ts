/**
 * Transactions of @platformatic/kafka, which speaks the classic protocol (EndTxn up to v4) and AddPartitionsToTxn in the
 * versions that are meant for brokers. What it does not offer, and how that is got round here:
 * - A producer that begins names producer 0 at epoch 0 as what it had; -1 for both says that it had none.
 * - The transaction's timeout is `timeout`, that of its produce requests.
 * - Offsets go into a transaction by the messages of a consumer, one by one; there is none for a group or an offset of
 *   one's choice.
 * - After an end that was refused, `cancel` gives the producer free.
 */
import { Admin, Consumer, type ConsumerOptions, Producer } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/index.ts'

type OnEnd = TestContext['onTestFinished']
type Transaction = NonNullable<Producer<string, string, string, string>['transaction']>
type Options = Partial<ConsumerOptions<string, string, string, string>>

interface ReadOptions {
  readonly partitions?: number
  readonly ends?: number
  readonly isolationLevel?: 0 | 1
}

const READ_UNCOMMITTED = 0
const READ_COMMITTED = 1
const string = (value?: Buffer) => String(value)
const deserializers = { key: string, value: string, headerKey: string, headerValue: string }
const bytes = (value: string | undefined) => (value === undefined ? undefined : Buffer.from(value))
const serializers = { key: bytes, value: bytes, headerKey: bytes, headerValue: bytes }

let broker: RunningBroker
let count = 0
beforeAll(async () => {
  broker = await startBroker({
    config: {
      'offsets.topic.num.partitions': 2,
      'transaction.state.log.num.partitions': 2,
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': 50,
    },
  })
})
afterAll(() => broker.close())

const base = () => ({
  clientId: 'platformatic',
  bootstrapBrokers: [broker.bootstrapServers],
  retries: 20,
  retryDelay: 50,
})

async function newTopic(partitions = 1): Promise<string> {
  const topic = `platformatic-transactions-${count++}`
  const admin = new Admin(base())
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
  await admin.close()
  return topic
}

function newProducer(transactionalId: string, onEnd: OnEnd, timeoutMs = 60_000) {
  const producer = new Producer({
    ...base(),
    idempotent: true,
    transactionalId,
    producerId: -1n,
    producerEpoch: -1,
    timeout: timeoutMs,
    serializers,
  })
  onEnd(() => producer.close(true))
  return producer
}

function newConsumer(onEnd: OnEnd, options: Options = {}) {
  const consumer = new Consumer({
    ...base(),
    groupId: `platformatic-reads-${count++}`,
    maxWaitTime: 50,
    heartbeatInterval: 100,
    deserializers,
    ...options,
  })
  onEnd(() => consumer.close(true))
  return consumer
}

const send = (to: Transaction, topic: string, ...values: string[]) =>
  to.send({ messages: values.map((value, partition) => ({ topic, partition, value })) })

async function sendEnd(topic: string, onEnd: OnEnd, partitions = 1): Promise<void> {
  const producer = new Producer({ ...base(), serializers })
  onEnd(() => producer.close(true))
  const messages = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, value: 'end' }))
  await producer.send({ messages })
}

/** The values of a topic, sorted, that a reader sees before the last `end`; one in each partition unless said otherwise. */
async function read(topic: string, onEnd: OnEnd, options: ReadOptions = {}): Promise<string[]> {
  const { partitions = 1, ends = partitions, isolationLevel = READ_COMMITTED } = options
  const consumer = newConsumer(onEnd, { isolationLevel })
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'manual',
    offsets: Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0n })),
    autocommit: false,
  })
  const values: string[] = []
  let ended = 0
  for await (const { value } of stream) {
    if (value !== 'end') values.push(value)
    else if (++ended === ends) break
  }
  return values.sort()
}

describe('@platformatic/kafka', () => {
  test('what is committed is read, what is aborted is not', async ({ onTestFinished: onEnd }) => {
    const topic = await newTopic(2)
    const producer = newProducer('platformatic-commits-and-aborts', onEnd)
    for (const [value, commit] of [
      ['a', true],
      ['b', false],
      ['c', true],
    ] as const) {
      const transaction = await producer.beginTransaction()
      await send(transaction, topic, `${value}1`, `${value}2`)
      await (commit ? transaction.commit() : transaction.abort())
    }
    await sendEnd(topic, onEnd, 2)
    expect(await read(topic, onEnd, { partitions: 2 })).toEqual(['a1', 'a2', 'c1', 'c2'])
    const all = await read(topic, onEnd, { partitions: 2, isolationLevel: READ_UNCOMMITTED })
    expect(all).toEqual(['a1', 'a2', 'b1', 'b2', 'c1', 'c2'])
  })

  test('a transaction over several topics is seen when it is committed, and not before', async ({
    onTestFinished: onEnd,
  }) => {
    const [first, second] = [await newTopic(3), await newTopic()]
    const producer = newProducer('platformatic-several', onEnd)
    const transaction = await producer.beginTransaction()
    await send(transaction, first, 'p0', 'p1', 'p2')
    await send(transaction, second, 'q')
    await sendEnd(first, onEnd, 3)
    const committed = read(first, onEnd, { partitions: 3 })
    const uncommitted = await read(first, onEnd, { partitions: 3, isolationLevel: READ_UNCOMMITTED })
    expect(uncommitted).toEqual(['p0', 'p1', 'p2'])
    expect(await Promise.race([committed, Promise.resolve('nothing yet')])).toBe('nothing yet')
    await transaction.commit()
    expect(await committed).toEqual(['p0', 'p1', 'p2'])
    await sendEnd(second, onEnd)
    expect(await read(second, onEnd)).toEqual(['q'])
  })

  test('offsets go with the transaction: read, transform, write', async ({ onTestFinished: onEnd }) => {
    const [source, target] = [await newTopic(), await newTopic()]
    const plain = new Producer({ ...base(), serializers })
    onEnd(() => plain.close(true))
    const inputs = ['1', '2', '3', '4', '5']
    for (const value of inputs) await plain.send({ messages: [{ topic: source, value }] })
    const groupId = 'platformatic-transformers'
    const producer = newProducer('platformatic-transform', onEnd)
    /** Takes the next record of the group through a transaction; gives what it was and what is committed then. */
    const step = async (commit: boolean) => {
      const consumer = newConsumer(onEnd, { groupId })
      const stream = await consumer.consume({
        topics: [source],
        mode: 'committed',
        fallbackMode: 'earliest',
        autocommit: false,
      })
      for await (const message of stream) {
        const transaction = await producer.beginTransaction()
        await transaction.addConsumer(consumer)
        await send(transaction, target, `${message.value} done`)
        await transaction.addOffset(message)
        await (commit ? transaction.commit() : transaction.abort())
        const committed = await consumer.listCommittedOffsets({
          topics: [{ topic: source, partitions: [0] }],
        })
        await stream.close()
        await consumer.close(true)
        return { value: message.value, committed: committed.get(source)?.[0] }
      }
      throw new Error('the source has ended')
    }
    expect(await step(true)).toEqual({ value: '1', committed: 1n })
    expect(await step(false)).toEqual({ value: '2', committed: 1n })
    expect(await step(true)).toEqual({ value: '2', committed: 2n })
    await sendEnd(target, onEnd)
    expect(await read(target, onEnd)).toEqual(['1 done', '2 done'])
  })

  test('a second producer of the same id fences the first, whose open transaction is aborted', async ({
    onTestFinished: onEnd,
  }) => {
    const topic = await newTopic()
    const first = newProducer('platformatic-fenced', onEnd)
    const lost = await first.beginTransaction()
    await send(lost, topic, 'lost')
    const second = newProducer('platformatic-fenced', onEnd)
    const kept = await second.beginTransaction()
    await send(kept, topic, 'kept')
    await kept.commit()
    await expect(send(lost, topic, 'late')).rejects.toThrow()
    await expect(lost.commit()).rejects.toThrow()
    await sendEnd(topic, onEnd)
    expect(await read(topic, onEnd)).toEqual(['kept'])
    expect(await read(topic, onEnd, { isolationLevel: READ_UNCOMMITTED })).toEqual(['kept', 'lost'])
  })

  test('a transaction that takes longer than its timeout is aborted', async ({ onTestFinished: onEnd }) => {
    const topic = await newTopic()
    const slow = newProducer('platformatic-slow', onEnd, 100)
    const transaction = await slow.beginTransaction()
    await send(transaction, topic, 'late')
    await sendEnd(topic, onEnd)
    expect(await read(topic, onEnd)).toEqual([])
    await expect(transaction.commit()).rejects.toThrow()
    const following = newProducer('platformatic-slow', onEnd)
    const next = await following.beginTransaction()
    await send(next, topic, 'in time')
    await next.commit()
    await sendEnd(topic, onEnd)
    expect(await read(topic, onEnd, { ends: 2 })).toEqual(['in time'])
  })
})
