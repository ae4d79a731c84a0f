import { RECORD_BATCH_OVERHEAD } from '../../../src/wire/batch.ts'
import { compressionTypes } from '../../../src/wire/compression.ts'
import { api, versionsOf } from '../apis.ts'
import { altered, batch, produceInput, type Target, TIME_MS } from '../records.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const UNKNOWN_ID = 'xxxxxxxxxxxxxxxxxxxxxw'
const LATEST = 13
const HOUR_MS = 3_600_000

export const produce: Scenario = {
  name: 'produce',
  async run(session) {
    const plain = await topic(session, 'produce-plain')
    for (const version of versionsOf(api.produce)) {
      const ask = (step: string, target: Target, records: Buffer, acks = -1) =>
        session.ask(`${step} v${version}`, api.produce, version, produceInput(target, records, acks))
      const own = await topic(session, `produce-v${version}`)
      await ask('acks all', own, batch(['a', 'b']))
      await ask('acks one', own, batch(['c']), 1)
      await ask('acks 2', own, batch(['d']), 2)
      await ask('unknown topic', { topic: 'produce-missing', topicId: UNKNOWN_ID }, batch(['a']))
      await ask('unknown partition', { ...plain, partition: 7 }, batch(['a']))
      await ask('negative partition', { ...plain, partition: -1 }, batch(['a']))
      // Null records get no answer at all from Apache Kafka.
      await ask('empty records', own, Buffer.alloc(0))
      await ask('two batches', own, Buffer.concat([batch(['a']), batch(['b'])]))
      await ask('wrong CRC', own, wrongCrc())
      await ask('future timestamps', own, inFuture(2 * HOUR_MS))
      await ask('zstd', own, batch(['z'], { compression: 'zstd' }))
      await session.askNothing(
        `acks none v${version}`,
        api.produce,
        version,
        produceInput(own, batch(['n']), 0),
      )
      await session.askNothing(
        `acks none to an unknown partition v${version}`,
        api.produce,
        version,
        produceInput({ ...plain, partition: 7 }, batch(['n']), 0),
      )
      await ask('after acks none', own, batch(['e']))
      await session.ask(`no topics v${version}`, api.produce, version, {
        acks: -1,
        timeoutMs: 1000,
        topicData: [],
      })
      await ask(
        'to an internal topic',
        { topic: '__consumer_offsets', topicId: await offsetsId(session) },
        batch(['x']),
      )
    }
    await batchesOfAllKinds(session)
    await severalPartitions(session)
    await topicConfigs(session)
  },
}

async function topic(session: Session, name: string, configs: Record<string, string> = {}, partitions = 1) {
  return { topic: name, topicId: await session.makeTopic(name, partitions, configs) }
}

async function offsetsId(session: Session): Promise<string> {
  const answer = await session.quiet(api.metadata, 12, { topics: [{ name: '__consumer_offsets' }] })
  return session.nameTopic(answer.topics[0]!)
}

function wrongCrc(): Buffer {
  const records = batch(['a'])
  records[records.length - 1]! ^= 1
  return records
}

function inFuture(aheadMs: number): Buffer {
  return batch(['a', 'b'], { baseTimestamp: Date.now() + aheadMs })
}

async function batchesOfAllKinds(session: Session): Promise<void> {
  const target = await topic(session, 'produce-kinds', { 'segment.ms': String(100 * 365 * 24 * HOUR_MS) })
  const kinds: readonly (readonly [string, () => Buffer])[] = [
    ['one byte', () => Buffer.alloc(1)],
    ['a header cut off', () => batch(['a']).subarray(0, 40)],
    ['a batch cut off', () => batch(['a', 'b']).subarray(0, RECORD_BATCH_OVERHEAD + 3)],
    ['bytes behind the batch', () => Buffer.concat([batch(['a']), Buffer.alloc(5)])],
    ['magic 0', () => magic(0)],
    ['magic 1', () => magic(1)],
    ['magic 3', () => magic(3)],
    ['a base offset other than 0', () => batch(['a', 'b'], { baseOffset: 17 })],
    ['a leader epoch', () => batch(['a'], { partitionLeaderEpoch: 4 })],
    ['no records', () => batch([])],
    [
      'count above the last offset delta',
      () => altered(batch(['a', 'b']), (bytes) => bytes.writeInt32BE(3, 57)),
    ],
    [
      'count below the last offset delta',
      () => altered(batch(['a', 'b']), (bytes) => bytes.writeInt32BE(1, 57)),
    ],
    [
      'a last offset delta below the count',
      () => altered(batch(['a', 'b']), (bytes) => bytes.writeInt32BE(0, 23)),
    ],
    ['a negative count', () => altered(batch(['a']), (bytes) => bytes.writeInt32BE(-1, 57))],
    ['an unknown codec', () => altered(batch(['a']), (bytes) => bytes.writeInt16BE(7, 21))],
    [
      'a control batch',
      () => batch(['a'], { isControl: true, producerId: 9, producerEpoch: 0, baseSequence: -1 }),
    ],
    [
      'LogAppendTime by the client',
      () => batch(['a'], { timestampType: 'LogAppendTime', maxTimestamp: TIME_MS }),
    ],
    ['a negative timestamp', () => batch(['a'], { baseTimestamp: -1 })],
    ['a largest timestamp of -1', () => altered(batch(['a']), (bytes) => bytes.writeBigInt64BE(-1n, 35))],
    ['a long past timestamp', () => batch(['a'], { baseTimestamp: 1 })],
    ['a future within the hour', () => inFuture(HOUR_MS / 2)],
    [
      'a transactional batch',
      () => batch(['a'], { isTransactional: true, producerId: 9, producerEpoch: 0, baseSequence: 0 }),
    ],
    [
      'a producer id without an epoch',
      () => batch(['a'], { producerId: 9, producerEpoch: -1, baseSequence: 0 }),
    ],
    [
      'a producer id without a sequence',
      () => batch(['a'], { producerId: 9, producerEpoch: 0, baseSequence: -1 }),
    ],
    ['a batch above the limit', () => batch(['x'.repeat(1_048_588)])],
    ['a batch of just the limit', () => batch(['x'.repeat(1_048_588 - sizeOfRest())])],
    ['a batch of one above the limit', () => batch(['x'.repeat(1_048_589 - sizeOfRest())])],
  ]
  for (const [kind, make] of kinds) {
    await session.ask(`batch: ${kind}`, api.produce, LATEST, produceInput(target, make()))
  }
  for (const compression of compressionTypes) {
    await session.ask(
      `batch: ${compression}`,
      api.produce,
      LATEST,
      produceInput(target, batch(['first', 'second'], { compression })),
    )
  }
  await session.ask('batches as they were stored', api.fetch, 12, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [
      { topic: target.topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] },
    ],
    forgottenTopicsData: [],
  })
}

/** What a batch of one record near the limit has besides the record's value. */
function sizeOfRest(): number {
  return batch(['x'.repeat(1_000_000)]).length - 1_000_000
}

function magic(value: number): Buffer {
  const bytes = batch(['a'])
  bytes.writeInt8(value, 16)
  return bytes
}

async function severalPartitions(session: Session): Promise<void> {
  const { topic: name, topicId } = await topic(session, 'produce-several', {}, 3)
  for (const version of [7, 12, 13]) {
    await session.ask(`good and bad partitions v${version}`, api.produce, version, {
      acks: 1,
      timeoutMs: 1000,
      topicData: [
        {
          name,
          topicId,
          partitionData: [
            { index: 0, records: batch(['a']) },
            { index: 1, records: wrongCrc() },
            { index: 2, records: batch(['b', 'c']) },
            { index: 3, records: batch(['d']) },
          ],
        },
        {
          name: 'produce-missing',
          topicId: UNKNOWN_ID,
          partitionData: [{ index: 0, records: batch(['a']) }],
        },
      ],
    })
  }
  await session.ask('a transactional id without a transactional batch', api.produce, 12, {
    ...produceInput({ topic: name, topicId }, batch(['t'])),
    transactionalId: 'tx',
  })
}

async function topicConfigs(session: Session): Promise<void> {
  const ask = (step: string, target: Target, records: Buffer, version = LATEST) =>
    session.ask(step, api.produce, version, produceInput(target, records))
  const read = ({ topic: name }: Target, step: string) =>
    session.ask(step, api.fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topic: name, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }],
      forgottenTopicsData: [],
    })

  const appendTime = await topic(session, 'produce-append-time', {
    'message.timestamp.type': 'LogAppendTime',
  })
  await ask('LogAppendTime', appendTime, batch(['a', 'b']))
  await ask('LogAppendTime with a future timestamp', appendTime, inFuture(2 * HOUR_MS))
  await ask('LogAppendTime compressed', appendTime, batch(['a', 'b'], { compression: 'gzip' }))
  await read(appendTime, 'LogAppendTime read back')

  const compacted = await topic(session, 'produce-compacted', { 'cleanup.policy': 'compact' })
  const keyless = (compression: 'none' | 'gzip') =>
    batch([], {
      compression,
      records: [
        { key: Buffer.from('k'), value: Buffer.from('v') },
        { value: Buffer.from('v') },
        { value: null },
      ],
    })
  for (const version of [7, 8, LATEST]) {
    await ask(`keyless records to a compacted topic v${version}`, compacted, keyless('none'), version)
  }
  await ask('keyless records to a compacted topic, compressed', compacted, keyless('gzip'))
  await ask('records with keys to a compacted topic', compacted, batch(['a']))
  const both = await topic(session, 'produce-compacted-deleted', { 'cleanup.policy': 'compact,delete' })
  await ask('keyless records to a topic that is compacted and deleted', both, keyless('none'))

  const small = await topic(session, 'produce-small', { 'max.message.bytes': '200' })
  await ask('above max.message.bytes', small, batch(['x'.repeat(300)]))
  await ask('within max.message.bytes', small, batch(['x'.repeat(100)]))
  await ask(
    'within max.message.bytes by compression',
    small,
    batch(['x'.repeat(1000)], { compression: 'gzip' }),
  )
  const segments = await topic(session, 'produce-segments', {
    'segment.bytes': '1048576',
    'max.message.bytes': '2000000',
  })
  await ask('above segment.bytes', segments, batch(['x'.repeat(1_100_000)]))

  const before = await topic(session, 'produce-before', { 'message.timestamp.before.max.ms': '1000' })
  await ask('older than message.timestamp.before.max.ms', before, batch(['a', 'b']))
  await ask(
    'older than message.timestamp.before.max.ms, compressed',
    before,
    batch(['a'], { compression: 'gzip' }),
  )
  const after = await topic(session, 'produce-after', { 'message.timestamp.after.max.ms': '10000000' })
  await ask('ahead within message.timestamp.after.max.ms', after, inFuture(HOUR_MS * 2))
  await ask('ahead of message.timestamp.after.max.ms', after, inFuture(HOUR_MS * 4))

  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd', 'uncompressed', 'producer'] as const) {
    const target = await topic(session, `produce-${compression}`, { 'compression.type': compression })
    await ask(`compression.type ${compression}: plain`, target, batch(['a', 'b']))
    await ask(`compression.type ${compression}: gzip`, target, batch(['c', 'd'], { compression: 'gzip' }))
    await read(target, `compression.type ${compression}: read back`)
  }
  const acks = await topic(session, 'produce-min-isr', { 'min.insync.replicas': '2' })
  await ask('fewer replicas than min.insync.replicas', acks, batch(['a']))
  await session.ask('fewer replicas, acks one', api.produce, LATEST, produceInput(acks, batch(['a']), 1))
}
