/** Versions that Kafka 4 dropped, as Apache Kafka 3.9.1 answers them. */
import {
  compressMessages,
  encodeMessage,
  type LegacyMagic,
  type LegacyMessageInput,
} from '../../../src/wire/message-set.ts'
import { api, droppedVersionsOf } from '../apis.ts'
import { batch, produceInput, type Target, TIME_MS } from '../records.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const HOUR_MS = 3_600_000
/** The latest that both 3.9.1 and Sluice have without topic ids. */
const PRODUCE = 9
const FETCH = 11
const codecs = { gzip: 1, snappy: 2, lz4: 3 } as const

function message(magic: LegacyMagic, value: string, input: Partial<LegacyMessageInput> = {}): Buffer {
  return encodeMessage(magic, {
    offset: 0,
    timestamp: TIME_MS,
    timestampType: 'CreateTime',
    key: Buffer.from('k'),
    value: Buffer.from(value),
    ...input,
  })
}

function wrapped(
  magic: LegacyMagic,
  codec: keyof typeof codecs,
  inner: readonly Buffer[],
  input: Partial<LegacyMessageInput> = {},
): Buffer {
  return message(magic, '', {
    compressionCodec: codecs[codec],
    offset: inner.length - 1,
    key: null,
    value: compressMessages(codec, magic, Buffer.concat(inner)),
    ...input,
  })
}

function target(topic: string, partition = 0): Target {
  return { topic, topicId: '', partition }
}

async function appendBatch(session: Session, topic: string, records: Buffer, partition = 0): Promise<void> {
  const input = produceInput(target(topic, partition), records)
  const answer = await session.quiet(api.produce, PRODUCE, {
    ...input,
    topicData: withoutIds(input.topicData),
  })
  const { errorCode, errorMessage } = answer.responses[0]!.partitionResponses[0]!
  if (errorCode !== 0) throw new Error(`append refused: ${errorCode} ${errorMessage}`)
}

function withoutIds(topics: ReturnType<typeof produceInput>['topicData']) {
  return topics.map(({ name, partitionData }) => ({ name, partitionData }))
}

function fetchInput(
  partitions: readonly {
    readonly topic: string
    readonly partition?: number
    readonly fetchOffset?: number
    readonly partitionMaxBytes?: number
  }[],
  rest: Record<string, unknown> = {},
) {
  return {
    maxWaitMs: 0,
    minBytes: 1,
    topics: partitions.map(({ topic, ...partition }) => ({
      topic,
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000, ...partition }],
    })),
    forgottenTopicsData: [],
    ...rest,
  }
}

export const legacyProduce: Scenario = {
  name: 'legacy-produce',
  judge: '3.9.1',
  async run(session) {
    for (const version of droppedVersionsOf(api.produce)) {
      const magic = version < 2 ? 0 : 1
      const topic = `legacy-produce-v${version}`
      // Kafka's default has come later than 3.9.
      await session.makeTopic(topic, 1, { 'message.timestamp.after.max.ms': String(HOUR_MS) })
      const send = (step: string, records: Buffer, acks = -1, to = target(topic)) =>
        session.ask(`${step} v${version}`, api.produce, version, produceInput(to, records, acks))
      await send('one message', message(magic, 'a'))
      await send('three messages', Buffer.concat(['b', 'c', 'd'].map((value) => message(magic, value))))
      await send('acks one', message(magic, 'e'), 1)
      await send('acks 2', message(magic, 'f'), 2)
      await send('no key and no value', message(magic, '', { key: null, value: null }))
      await send('another format than the version has', message(magic === 0 ? 1 : 0, 'other'))
      await send('two formats', Buffer.concat([message(0, 'x'), message(1, 'y')]))
      for (const codec of ['gzip', 'snappy', 'lz4'] as const) {
        const inner = ['g', 'h'].map((value, offset) =>
          message(magic, value, { offset, timestamp: TIME_MS + offset }),
        )
        await send(`compressed with ${codec}`, wrapped(magic, codec, inner))
        await send(`compressed with ${codec} at offset 0`, wrapped(magic, codec, inner, { offset: 0 }))
        await send(`compressed with ${codec} at a high offset`, wrapped(magic, codec, inner, { offset: 50 }))
      }
      await send(
        'two wrappers',
        Buffer.concat([
          wrapped(magic, 'gzip', [message(magic, 'a')]),
          wrapped(magic, 'gzip', [message(magic, 'b')]),
        ]),
      )
      await send('an empty wrapper', wrapped(magic, 'gzip', [], { offset: 0 }))
      await send(
        'a wrapper in a wrapper',
        wrapped(magic, 'gzip', [wrapped(magic, 'gzip', [message(magic, 'a')])]),
      )
      await send('a wrong inner format', wrapped(magic, 'gzip', [message(magic === 0 ? 1 : 0, 'a')]))
      await send('a wrong inner checksum', wrapped(magic, 'gzip', [damaged(message(magic, 'a'))]))
      await send(
        'a wrapper without a value',
        message(magic, '', { compressionCodec: 1, key: null, value: null }),
      )
      await send('zstd in a wrapper', message(magic, 'not zstd', { compressionCodec: 4, key: null }))
      await send('a wrong checksum', damaged(message(magic, 'a')))
      await send('nothing', Buffer.alloc(0))
      await send('the end missing', message(magic, 'cut').subarray(0, 20))
      await send(
        'the end of the second missing',
        Buffer.concat([message(magic, 'whole'), message(magic, 'cut').subarray(0, 20)]),
      )
      await send(
        'a length of zero',
        patched(message(magic, 'a'), (bytes) => bytes.writeInt32BE(0, 8)),
      )
      await send(
        'a format to come',
        patched(message(magic, 'a'), (bytes) => bytes.writeInt8(3, 16)),
      )
      await send('a record batch', batch(['new', 'newer']))
      await send('a record batch of zstd', batch(['new'], { compression: 'zstd' }))
      await send('two record batches', Buffer.concat([batch(['x']), batch(['y'])]))
      await send('too large', message(magic, 'x'.repeat(1_100_000)))
      await send('unknown topic', message(magic, 'a'), -1, target('legacy-produce-missing'))
      await send('unknown partition', message(magic, 'a'), -1, target(topic, 7))
      await send('to an internal topic', message(magic, 'a'), -1, target('__consumer_offsets'))
      if (magic === 1) {
        await send('a future timestamp', message(1, 'a', { timestamp: Date.now() + 2 * HOUR_MS }))
        await send('no timestamp', message(1, 'untimed', { timestamp: -1 }))
        await send(
          'times out of order',
          Buffer.concat([5, 3, 9].map((ms) => message(1, `at ${ms}`, { timestamp: TIME_MS + ms }))),
        )
        await send('LogAppendTime set by the producer', message(1, 'a', { timestampType: 'LogAppendTime' }))
      }
      await session.askNothing(
        `acks none v${version}`,
        api.produce,
        version,
        produceInput(target(topic), message(magic, 'n'), 0),
      )
      await session.askNothing(
        `acks none, refused v${version}`,
        api.produce,
        version,
        produceInput(target(topic), damaged(message(magic, 'n')), 0),
      )
      await session.ask(`what is stored of v${version}`, api.fetch, FETCH, fetchInput([{ topic }]))
      await topicConfigs(session, version, magic)
    }
    await session.ask(
      'an old format in v3',
      api.produce,
      3,
      produceInput(target('legacy-produce-v0'), message(1, 'a')),
    )
  },
}

async function topicConfigs(session: Session, version: number, magic: LegacyMagic): Promise<void> {
  const kinds: [string, Record<string, string>][] = [
    ['compacted', { 'cleanup.policy': 'compact' }],
    ['log append time', { 'message.timestamp.type': 'LogAppendTime' }],
    ['gzip', { 'compression.type': 'gzip' }],
    ['uncompressed', { 'compression.type': 'uncompressed' }],
    ['small', { 'max.message.bytes': '200' }],
  ]
  for (const [kind, configs] of kinds) {
    const topic = `legacy-produce-${kind.replaceAll(' ', '-')}-v${version}`
    await session.makeTopic(topic, 1, configs)
    const send = (step: string, records: Buffer) =>
      session.ask(`${kind}: ${step} v${version}`, api.produce, version, produceInput(target(topic), records))
    await send('with a key', message(magic, 'a'))
    await send('without a key', message(magic, 'b', { key: null }))
    await send('keys and none', Buffer.concat([message(magic, 'c'), message(magic, 'd', { key: null })]))
    await send('snappy', wrapped(magic, 'snappy', [message(magic, 'e'), message(magic, 'f', { offset: 1 })]))
    await send('of 300 bytes', message(magic, 'x'.repeat(300)))
    await send(
      'ten of 50 bytes',
      Buffer.concat(Array.from({ length: 10 }, () => message(magic, 'y'.repeat(50)))),
    )
    await session.ask(`${kind}: what is stored of v${version}`, api.fetch, FETCH, fetchInput([{ topic }]))
  }
}

function damaged(bytes: Buffer): Buffer {
  return patched(bytes, (copy) => {
    copy[copy.length - 1]! ^= 1
  })
}

function patched(bytes: Buffer, change: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  change(copy)
  return copy
}

export const legacyFetch: Scenario = {
  name: 'legacy-fetch',
  judge: '3.9.1',
  async run(session) {
    const topic = 'legacy-fetch'
    await session.makeTopic(topic, 2)
    await session.makeTopic('legacy-fetch-empty')
    await appendBatch(session, topic, batch(['a', 'b', 'c']))
    await appendBatch(
      session,
      topic,
      batch(['d'], { records: [{ value: Buffer.from('d'), headers: [{ key: 'h', value: null }] }] }),
    )
    for (const compression of ['gzip', 'snappy', 'lz4'] as const)
      await appendBatch(session, topic, batch(['e', 'f'], { compression }))
    await appendBatch(
      session,
      topic,
      batch(['of a producer', 'with an id'], { producerId: 1000, producerEpoch: 0, baseSequence: 0 }),
    )
    const stamped = 'legacy-fetch-stamped'
    await session.makeTopic(stamped, 1, { 'message.timestamp.type': 'LogAppendTime' })
    await appendBatch(session, stamped, batch(['a', 'b']))
    await appendBatch(session, stamped, batch(['c', 'd'], { compression: 'gzip' }))
    const mixed = 'legacy-fetch-zstd-batch'
    await session.makeTopic(mixed)
    for (const compression of ['none', 'zstd'] as const)
      await appendBatch(session, mixed, batch(['a', 'b'], { compression }))
    const zstd = 'legacy-fetch-zstd-topic'
    await session.makeTopic(zstd, 1, { 'compression.type': 'zstd' })
    await appendBatch(session, zstd, batch(['a']))
    const sized = 'legacy-fetch-sized'
    await session.makeTopic(sized)
    for (let index = 0; index < 5; index++)
      await appendBatch(session, sized, batch([`${index}${'x'.repeat(200)}`]))
    for (const version of droppedVersionsOf(api.fetch)) {
      const ask = (step: string, partitions: Parameters<typeof fetchInput>[0], rest = {}) =>
        session.ask(`${step} v${version}`, api.fetch, version, fetchInput(partitions, rest))
      for (const fetchOffset of [0, 1, 3, 4, 5, 6, 8, 10, 11])
        await ask(`from offset ${fetchOffset}`, [{ topic, fetchOffset }])
      await ask('at the end', [{ topic, fetchOffset: 12 }])
      await ask('above the end', [{ topic, fetchOffset: 13 }])
      await ask('a negative offset', [{ topic, fetchOffset: -1 }])
      await ask('an empty topic', [{ topic: 'legacy-fetch-empty' }])
      await ask('a missing topic', [{ topic: 'legacy-fetch-missing' }])
      await ask('a missing partition', [{ topic, partition: 9 }])
      await ask('no topics', [])
      await ask('two partitions', [{ topic }, { topic, partition: 1 }])
      await ask('good and bad', [{ topic }, { topic: 'legacy-fetch-missing' }])
      await ask('of LogAppendTime', [{ topic: stamped }])
      await ask('zstd after others', [{ topic: mixed }])
      await ask('zstd first', [{ topic: mixed, fetchOffset: 2 }])
      await ask('a topic of zstd', [{ topic: zstd }])
      await ask('at the end of a topic of zstd', [{ topic: zstd, fetchOffset: 1 }])
      await ask('a tiny limit of the partition', [{ topic: sized, partitionMaxBytes: 10 }])
      await ask('a limit of one batch', [{ topic: sized, partitionMaxBytes: 300 }])
      await ask('a limit of 0', [{ topic: sized, partitionMaxBytes: 0 }])
      if (version === 3) {
        await ask('a tiny limit of the request', [{ topic: sized }, { topic }], { maxBytes: 10 })
        await ask('a limit of the request for one', [{ topic: sized }, { topic }], { maxBytes: 300 })
      }
      await ask('a wait in vain', [{ topic, fetchOffset: 12 }], { maxWaitMs: 20 })
    }
  },
}

export const legacyLookups: Scenario = {
  name: 'legacy-lookups',
  judge: '3.9.1',
  async run(session) {
    const topic = 'legacy-lookups'
    await session.makeTopic(topic, 2)
    await appendBatch(session, topic, batch(['a', 'b', 'c']))
    for (const version of droppedVersionsOf(api.listOffsets)) {
      const ask = (
        step: string,
        partition: { partitionIndex?: number; timestamp: number; maxNumOffsets?: number },
        name = topic,
        replicaId = -1,
      ) =>
        session.ask(`${step} v${version}`, api.listOffsets, version, {
          replicaId,
          isolationLevel: 0,
          topics: [{ name, partitions: [{ partitionIndex: 0, maxNumOffsets: 1, ...partition }] }],
        })
      for (const [when, timestamp] of [
        ['the latest', -1],
        ['the earliest', -2],
        ['long ago', 0],
        ['in future', Date.now() + HOUR_MS],
        ['the largest', -3],
        ['of no meaning', -9],
      ] as const) {
        await ask(when, { timestamp })
        await ask(`${when}, five of them`, { timestamp, maxNumOffsets: 5 })
        await ask(`${when}, none of them`, { timestamp, maxNumOffsets: 0 })
        await ask(`${when}, in an empty partition`, { timestamp, partitionIndex: 1 })
      }
      await ask('fewer than none', { timestamp: -1, maxNumOffsets: -1 })
      await ask('a missing topic', { timestamp: -1 }, 'legacy-lookups-missing')
      await ask('a missing partition', { timestamp: -1, partitionIndex: 9 })
      await ask('a debugging consumer', { timestamp: -1 }, topic, -2)
      await session.ask(`twice the same v${version}`, api.listOffsets, version, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [
          { name: topic, partitions: [0, 0].map((partitionIndex) => ({ partitionIndex, timestamp: -1 })) },
        ],
      })
    }
    for (const version of droppedVersionsOf(api.offsetForLeaderEpoch)) {
      for (const leaderEpoch of [0, 1, -1, 5]) {
        await session.ask(`epoch ${leaderEpoch} v${version}`, api.offsetForLeaderEpoch, version, {
          topics: [{ topic, partitions: [{ partition: 0, leaderEpoch }] }],
        })
      }
      await session.ask(`epoch of a missing topic v${version}`, api.offsetForLeaderEpoch, version, {
        topics: [{ topic: 'legacy-lookups-missing', partitions: [{ partition: 0, leaderEpoch: 0 }] }],
      })
    }
  },
}

export const legacyOffsets: Scenario = {
  name: 'legacy-offsets',
  judge: '3.9.1',
  async run(session) {
    const topic = 'legacy-offsets'
    await session.makeTopic(topic, 2)
    await session.groupIsServed('legacy-offsets')
    for (const version of droppedVersionsOf(api.offsetCommit)) {
      const groupId = `legacy-offsets-v${version}`
      await session.groupIsServed(groupId)
      const ask = (
        step: string,
        name: string,
        partitionIndex: number,
        rest = {},
        metadata: string | null = 'note',
      ) =>
        session.ask(`${step} v${version}`, api.offsetCommit, version, {
          groupId,
          memberId: '',
          ...rest,
          topics: [
            { name, partitions: [{ partitionIndex, committedOffset: 7n, committedMetadata: metadata }] },
          ],
        })
      await ask('commit', topic, 0)
      await ask('commit without metadata', topic, 1, {}, null)
      await ask('commit with too much metadata', topic, 0, {}, 'x'.repeat(5000))
      await ask('commit in a missing topic', 'legacy-offsets-missing', 0)
      await ask('commit in a missing partition', topic, 9)
      if (version === 1) {
        await ask('commit of an unknown member', topic, 0, {
          memberId: 'nobody',
          generationIdOrMemberEpoch: 3,
        })
        await ask('commit of a generation', topic, 0, { generationIdOrMemberEpoch: 3 })
      }
      await session.ask(`committed by v${version}`, api.offsetFetch, 7, {
        groupId,
        topics: [{ name: topic, partitionIndexes: [0, 1] }],
      })
      for (const fetchVersion of droppedVersionsOf(api.offsetFetch)) {
        await session.ask(
          `committed by v${version}, fetched by v${fetchVersion}`,
          api.offsetFetch,
          fetchVersion,
          {
            groupId,
            topics: [
              { name: topic, partitionIndexes: [0, 1, 9] },
              { name: 'legacy-offsets-missing', partitionIndexes: [0] },
            ],
          },
        )
      }
    }
  },
}

export const legacyTopics: Scenario = {
  name: 'legacy-topics',
  judge: '3.9.1',
  async run(session) {
    for (const version of droppedVersionsOf(api.createTopics)) {
      const ask = (step: string, name: string, topic = {}, rest = {}) =>
        session.ask(`${step} v${version}`, api.createTopics, version, {
          topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [], ...topic }],
          timeoutMs: 10_000,
          ...rest,
        })
      const name = `legacy-topics-v${version}`
      await ask('make a topic', name)
      await session.topicIsServed(name, 1)
      await ask('make it again', name)
      await ask('with defaults', `${name}-defaults`, { numPartitions: -1, replicationFactor: -1 })
      await ask('with an assignment', `${name}-assigned`, {
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [1] }],
      })
      await ask('with both', `${name}-both`, { assignments: [{ partitionIndex: 0, brokerIds: [1] }] })
      await ask('with a config', `${name}-config`, { configs: [{ name: 'retention.ms', value: '5000' }] })
      await ask('with an unknown config', `${name}-unknown`, { configs: [{ name: 'no.such', value: '1' }] })
      await ask('with no partitions', `${name}-none`, { numPartitions: 0 })
      await ask('with too many replicas', `${name}-replicas`, { replicationFactor: 3 })
      await ask('with an illegal name', 'legacy topics')
      if (version === 1) await ask('only to see', `${name}-seen`, {}, { validateOnly: true })
    }
    for (const version of droppedVersionsOf(api.deleteTopics)) {
      const ask = (step: string, topicNames: string[]) =>
        session.ask(`${step} v${version}`, api.deleteTopics, version, { topicNames, timeoutMs: 10_000 })
      await ask('delete', ['legacy-topics-v0'])
      await session.until(
        api.metadata,
        4,
        { topics: [{ name: 'legacy-topics-v0' }], allowAutoTopicCreation: false },
        ({ topics }) => topics[0]!.errorCode !== 0,
      )
      await ask('delete again', ['legacy-topics-v0'])
      await ask('delete two', ['legacy-topics-v1', 'legacy-topics-missing'])
      await ask('delete none', [])
    }
  },
}

export const legacyAdmin: Scenario = {
  name: 'legacy-admin',
  judge: '3.9.1',
  async run(session) {
    const topic = 'legacy-admin'
    await session.makeTopic(topic, 2, { 'retention.ms': '5000' })
    await describeConfigs(session, topic)
    const acl = { principal: 'User:a', host: '*', operation: 3, permissionType: 3 }
    const filter = {
      resourceTypeFilter: 2,
      resourceNameFilter: topic,
      principalFilter: null,
      hostFilter: null,
      operation: 1,
      permissionType: 1,
    }
    for (const version of droppedVersionsOf(api.describeAcls))
      await session.ask(`acls v${version}`, api.describeAcls, version, filter)
    for (const version of droppedVersionsOf(api.createAcls)) {
      await session.ask(`make acls v${version}`, api.createAcls, version, {
        creations: [{ resourceType: 2, resourceName: topic, ...acl }],
      })
    }
    for (const version of droppedVersionsOf(api.deleteAcls))
      await session.ask(`delete acls v${version}`, api.deleteAcls, version, { filters: [filter] })
    for (const version of droppedVersionsOf(api.describeLogDirs)) {
      const ask = (step: string, topics: { topic: string; partitions: number[] }[]) =>
        session.ask(
          `${step} v${version}`,
          api.describeLogDirs,
          version,
          { topics },
          ({ results, ...rest }) => ({
            ...rest,
            results: results.map(({ logDir, ...directory }) => directory),
          }),
        )
      await ask('log directories of nothing', [])
      await ask('log directories of a topic', [{ topic, partitions: [0, 1] }])
      await ask('log directories of a missing topic', [{ topic: 'legacy-admin-missing', partitions: [0] }])
    }
    for (const version of droppedVersionsOf(api.alterReplicaLogDirs)) {
      await session.ask(`to an unknown directory v${version}`, api.alterReplicaLogDirs, version, {
        dirs: [{ path: '/no/such/directory', topics: [{ name: topic, partitions: [0, 9] }] }],
      })
    }
  },
}

async function describeConfigs(session: Session, topic: string): Promise<void> {
  for (const version of droppedVersionsOf(api.describeConfigs)) {
    const ask = (step: string, resourceType: number, resourceName: string, configurationKeys: string[]) =>
      session.ask(`${step} v${version}`, api.describeConfigs, version, {
        resources: [{ resourceType, resourceName, configurationKeys }],
      })
    await ask('configs of a topic', 2, topic, ['retention.ms', 'cleanup.policy', 'segment.bytes'])
    await ask('configs of the broker', 4, '1', ['log.retention.ms', 'log.segment.bytes', 'num.io.threads'])
    await ask('configs of a missing topic', 2, 'legacy-admin-missing', ['retention.ms'])
    await ask('an unknown config', 2, topic, ['no.such'])
  }
}

export const legacyScenarios: readonly Scenario[] = [
  legacyProduce,
  legacyFetch,
  legacyLookups,
  legacyOffsets,
  legacyTopics,
  legacyAdmin,
]
