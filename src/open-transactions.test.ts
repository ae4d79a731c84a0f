/** Transactions that something comes in between: a topic that goes, a disk that is full, a stop, a timeout, an expiry. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Broker } from './broker.ts'
import { FaultyFileSystem } from './logstore/faulty-fs.ts'
import type { FileSystem } from './logstore/file-system.ts'
import { MemoryFileSystem } from './logstore/memory-fs.ts'
import { ManualClock } from './testing/manual-clock.ts'
import { startTestBroker } from './testing/test-broker.ts'
import { TransactionalClient } from './testing/transactional-client.ts'
import { ErrorCode } from './wire/error-codes.ts'
import {
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
} from './wire/schemas/24-add-partitions-to-txn.ts'

const ID = 'orders'
const GROUP = 'readers'
const TIMEOUT_MS = 60_000
/** Longer than the coordinator and the writer of markers wait between two looks. */
const CHECK_MS = 10_000

const CLEAN = 'a clean stop'
const KILLED = 'a kill'
const STOPS = [CLEAN, KILLED] as const

async function connect(broker: Broker): Promise<TransactionalClient> {
  const { host, port } = broker.listeners[0]!
  const client = await TransactionalClient.connect(host, port)
  onTestFinished(() => client.close())
  return client
}

async function start(fs: FileSystem, clock = new ManualClock(), overrides: Record<string, string> = {}) {
  const broker = await startTestBroker(fs, {
    clock,
    overrides: {
      'offsets.topic.num.partitions': '1',
      'transaction.state.log.num.partitions': '1',
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': String(CHECK_MS),
      ...overrides,
    },
  })
  onTestFinished(() => broker.close())
  return { broker, clock, client: await connect(broker) }
}

type Started = Awaited<ReturnType<typeof start>>

/** The process ends in this way; the disk as the next one finds it. */
async function stop(how: (typeof STOPS)[number], { broker, client }: Started, disk: MemoryFileSystem) {
  await client.close()
  if (how === KILLED) disk.kill()
  await broker.close()
}

/** Time goes on until there is an answer. */
async function patiently<T>(answer: Promise<T>, watcher: TransactionalClient, clock: ManualClock) {
  let isThere = false
  const settled = answer.finally(() => {
    isThere = true
  })
  while (!isThere) {
    await watcher.stateOf(ID)
    clock.advance(100)
  }
  return settled
}

const NO_SPACE = { operations: ['write'], path: /\/full-0\/.*\.log$/, code: 'ENOSPC' } as const

describe('a topic that is deleted within a transaction', () => {
  test('is no more in the way of its commit, and the producer goes on', async () => {
    const { client } = await start(new MemoryFileSystem())
    for (const topic of ['kept', 'gone']) await client.createTopic(topic)
    const producer = await client.begin(ID)
    for (const topic of ['kept', 'gone'])
      expect(await client.produce(producer, topic, 'first')).toBe(ErrorCode.NONE)
    await client.deleteTopic('gone')
    expect(await client.produce(producer, 'gone', 'late')).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(await client.produce(producer, 'kept', 'second')).toBe(ErrorCode.NONE)
    const next = await client.end(producer, 'commit')
    expect((await client.read('kept')).values).toEqual(['first', 'second'])
    expect(await client.produce(next, 'kept', 'third')).toBe(ErrorCode.NONE)
    await client.end(next, 'commit')
    expect((await client.read('kept')).values).toEqual(['first', 'second', 'third'])
  })

  test('and made again gets a marker, and nothing of what was in it', async () => {
    const { client } = await start(new MemoryFileSystem())
    await client.createTopic('again')
    const producer = await client.begin(ID)
    expect(await client.produce(producer, 'again', 'of the first')).toBe(ErrorCode.NONE)
    await client.deleteTopic('again')
    await client.createTopic('again')
    const next = await client.end(producer, 'commit')
    expect(await client.read('again')).toMatchObject({ values: [], highWatermark: 1, lastStableOffset: 1 })
    expect(await client.produce(next, 'again', 'of the second')).toBe(ErrorCode.NONE)
    await client.end(next, 'commit')
    expect((await client.read('again')).values).toEqual(['of the second'])
  })
})

describe('a partition that takes no marker', () => {
  test('keeps the end waiting for a second; it is decided then, and the marker is written when it can be', async () => {
    const fs = new FaultyFileSystem(new MemoryFileSystem())
    const started = await start(fs)
    const { broker, clock, client } = started
    const other = await connect(broker)
    for (const topic of ['full', 'other']) await client.createTopic(topic)
    const producer = await client.begin(ID)
    for (const topic of ['full', 'other'])
      expect(await client.produce(producer, topic, 'v')).toBe(ErrorCode.NONE)
    const fault = fs.inject(NO_SPACE)
    const ending = client.end(producer, 'commit')
    await other.reaches(ID, 'PrepareCommit')
    clock.advance(1000)
    const next = await ending
    expect(next.producerEpoch).toBe(producer.producerEpoch + 1)
    // What has its marker is seen, what has none yet is held back.
    expect((await client.read('other')).values).toEqual(['v'])
    expect(await client.read('full')).toMatchObject({ values: [], lastStableOffset: 0 })
    // Who comes then waits as long as an end does, and is to come again.
    const watcher = await connect(broker)
    const refused = await patiently(
      Promise.all([
        client.produce(next, 'other', 'too early'),
        other.begin(ID).catch((error: { code: number }) => error.code),
      ]),
      watcher,
      clock,
    )
    expect(refused).toEqual([ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.CONCURRENT_TRANSACTIONS])
    expect(await watcher.stateOf(ID)).toBe('PrepareCommit')
    fault.remove()
    await other.reaches(ID, 'CompleteCommit', () => clock.advance(100))
    expect((await client.read('full')).values).toEqual(['v'])
    expect(await client.produce(next, 'other', 'in time')).toBe(ErrorCode.NONE)
  })

  test.each(STOPS)('has it after %s, which found the transaction decided', async (how) => {
    const disk = new MemoryFileSystem()
    const fs = new FaultyFileSystem(disk)
    const before = await start(fs)
    const other = await connect(before.broker)
    for (const topic of ['full', 'other']) await before.client.createTopic(topic)
    const producer = await before.client.begin(ID)
    for (const topic of ['full', 'other'])
      expect(await before.client.produce(producer, topic, 'v')).toBe(ErrorCode.NONE)
    expect(await before.client.commitOffset(producer, GROUP, 'full', 5n)).toBe(ErrorCode.NONE)
    fs.inject(NO_SPACE)
    const ending = before.client.end(producer, 'commit').then(
      () => 'answered',
      (error: { code?: number }) => error.code ?? 'closed',
    )
    await other.reaches(ID, 'PrepareCommit')
    if (how === KILLED) disk.kill()
    await before.broker.close()
    // Nobody is told that it went well: asking again tells.
    expect(['closed', ErrorCode.NOT_COORDINATOR]).toContain(await ending)

    const { client, clock } = await start(disk)
    await client.reaches(ID, 'CompleteCommit', () => clock.advance(100))
    expect((await client.end(producer, 'commit')).producerEpoch).toBe(producer.producerEpoch + 1)
    for (const topic of ['full', 'other']) expect((await client.read(topic)).values).toEqual(['v'])
    expect(await client.committedOffset(GROUP, 'full')).toBe(5n)
  })
})

describe('a transaction that is open', () => {
  test.each(STOPS)('is open after %s, holds readers back, and is aborted at its timeout', async (how) => {
    const disk = new MemoryFileSystem()
    const before = await start(disk)
    await before.client.createTopic('t')
    expect(await before.client.produce(undefined, 't', 'before')).toBe(ErrorCode.NONE)
    const producer = await before.client.begin(ID, TIMEOUT_MS)
    expect(await before.client.produce(producer, 't', 'open')).toBe(ErrorCode.NONE)
    expect(await before.client.commitOffset(producer, GROUP, 't', 5n)).toBe(ErrorCode.NONE)
    expect(await before.client.produce(undefined, 't', 'behind')).toBe(ErrorCode.NONE)
    await stop(how, before, disk)

    const { client, clock } = await start(disk, before.clock)
    expect(await client.read('t')).toMatchObject({
      values: ['before'],
      lastStableOffset: 1,
      highWatermark: 3,
    })
    expect(await client.committedOffset(GROUP, 't')).toBe('unstable')
    expect(await client.producersOf('t')).toMatchObject([{ producerId: producer.producerId, begins: 1 }])
    // It counts from its begin, not from the restart; not a check before its time.
    clock.advance(TIMEOUT_MS)
    expect(await client.stateOf(ID)).toBe('Ongoing')
    clock.advance(CHECK_MS)
    await client.reaches(ID, 'CompleteAbort', () => clock.advance(100))
    expect(await client.read('t')).toMatchObject({ values: ['before', 'behind'], lastStableOffset: 4 })
    expect(await client.committedOffset(GROUP, 't')).toBe(-1n)
    expect(await client.produce(producer, 't', 'too late')).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
    await expect(client.end(producer, 'commit')).rejects.toMatchObject({ code: ErrorCode.INVALID_TXN_STATE })
  })

  test.each(STOPS)('goes on after %s, and is committed whole', async (how) => {
    const disk = new MemoryFileSystem()
    const before = await start(disk)
    await before.client.createTopic('t')
    const producer = await before.client.begin(ID)
    expect(await before.client.produce(producer, 't', 'before')).toBe(ErrorCode.NONE)
    await stop(how, before, disk)
    const { client } = await start(disk, before.clock)
    client.goOnWith(before.client)
    expect(await client.produce(producer, 't', 'after')).toBe(ErrorCode.NONE)
    expect((await client.read('t')).values).toEqual([])
    await client.end(producer, 'commit')
    expect((await client.read('t')).values).toEqual(['before', 'after'])
  })

  test('is not forgotten by its partition however long it lasts, where an idle producer is', async () => {
    const { client, clock } = await start(new MemoryFileSystem(), new ManualClock(), {
      'producer.id.expiration.ms': '60000',
      'connections.max.idle.ms': '3600000',
    })
    await client.createTopic('t')
    const idle = await client.begin('idle')
    expect(await client.produce(idle, 't', 'done')).toBe(ErrorCode.NONE)
    const next = await client.end(idle, 'commit')
    const open = await client.begin('open', 900_000)
    expect(await client.produce(open, 't', 'open')).toBe(ErrorCode.NONE)
    // Kafka looks every ten minutes.
    clock.advance(600_000)
    expect(await client.producersOf('t')).toMatchObject([{ producerId: open.producerId, begins: 2 }])
    expect(await client.read('t')).toMatchObject({ values: ['done'], lastStableOffset: 2 })
    await client.end(open, 'commit')
    // Who was forgotten begins anew, at sequence 0 in its next epoch.
    expect(await client.produce(next, 't', 'again')).toBe(ErrorCode.NONE)
    await client.end(next, 'commit')
    expect((await client.read('t')).values).toEqual(['done', 'open', 'again'])
  })

  test('outlives the expiry of transactional ids, which forgets those that are idle', async () => {
    const { client, clock } = await start(new MemoryFileSystem(), new ManualClock(), {
      'transactional.id.expiration.ms': '120000',
      'transaction.remove.expired.transaction.cleanup.interval.ms': '60000',
    })
    await client.createTopic('t')
    const idle = await client.begin('idle')
    expect(await client.produce(idle, 't', 'done')).toBe(ErrorCode.NONE)
    const next = await client.end(idle, 'commit')
    const open = await client.begin('open', 900_000)
    expect(await client.produce(open, 't', 'open')).toBe(ErrorCode.NONE)
    clock.advance(180_000)
    expect([await client.stateOf('idle'), await client.stateOf('open')]).toEqual(['', 'Ongoing'])
    // The forgotten producer is told, whatever it asks; with the id begins another one.
    expect(await client.produce(next, 't', 'late')).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    await expect(client.end(next, 'abort')).rejects.toMatchObject({
      code: ErrorCode.INVALID_PRODUCER_ID_MAPPING,
    })
    expect(await addPartition(client, next, 't')).toBe(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    const anew = await client.begin('idle')
    expect(anew.producerEpoch).toBe(0)
    expect(anew.producerId).toBeGreaterThan(open.producerId)
    await client.end(open, 'commit')
    expect((await client.read('t')).values).toEqual(['done', 'open'])
  })
})

async function addPartition(
  { client }: TransactionalClient,
  { transactionalId, producerId, producerEpoch }: Awaited<ReturnType<TransactionalClient['begin']>>,
  name: string,
) {
  const { resultsByTopicV3AndBelow } = await client.send(
    addPartitionsToTxnRequest,
    addPartitionsToTxnResponse,
    3,
    {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name, partitions: [0] }],
    },
  )
  return resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode
}

describe('transactions that were aborted', () => {
  test.each(STOPS)('are known to readers after %s as before it, over many segments', async (how) => {
    const disk = new MemoryFileSystem()
    const clock = new ManualClock()
    const before = await start(disk, clock)
    await before.client.createTopic('t', 1, { 'segment.ms': '20' })
    const producers = await Promise.all(['a', 'b', 'c'].map((id) => before.client.begin(id)))
    const expected: string[] = []
    for (let round = 0; round < 12; round++) {
      const index = round % producers.length
      const result = round % 2 === 0 ? 'abort' : 'commit'
      for (const part of ['x', 'y']) {
        const value = `${round}${part}`
        expect(await before.client.produce(producers[index], 't', value)).toBe(ErrorCode.NONE)
        if (result === 'commit') expected.push(value)
        // Beside it, of nobody's transaction.
        expect(await before.client.produce(undefined, 't', `${value} plain`)).toBe(ErrorCode.NONE)
        expected.push(`${value} plain`)
      }
      producers[index] = await before.client.end(producers[index]!, result)
    }
    expect(await before.client.produce(producers[0], 't', 'open')).toBe(ErrorCode.NONE)
    const seen = await before.client.read('t')
    expect([...seen.values].sort()).toEqual([...expected].sort())
    expect(seen.aborted).toHaveLength(6)
    await stop(how, before, disk)
    const segments = disk.readDirectory('/data/t-0').filter((name) => name.endsWith('.log'))
    expect(segments.length).toBeGreaterThan(10)
    const { client } = await start(disk, clock)
    expect(await client.read('t')).toEqual(seen)
    await client.end(producers[0]!, 'abort')
    const after = await client.read('t')
    expect(after.values).toEqual(seen.values)
    expect(after.aborted).toHaveLength(7)
  })
})
