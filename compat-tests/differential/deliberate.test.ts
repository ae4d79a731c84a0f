import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/index.ts'
import { ErrorCode } from '../../src/wire/error-codes.ts'
import { api, versionsOf } from './apis.ts'
import { batch, produceInput } from './records.ts'
import { BROKER_CONFIG } from './scenario.ts'
import { Session } from './session.ts'
import { disagreements, readTranscript, writeTranscript } from './transcript.ts'

const TOPIC = 2
const BROKER_LOGGER = 8

describe('what Sluice answers otherwise than Apache Kafka on purpose', () => {
  let broker: RunningBroker
  let session: Session

  beforeAll(async () => {
    broker = await startBroker({ config: BROKER_CONFIG })
    session = await Session.connect(broker.host, broker.port)
  })
  afterAll(async () => {
    await session.close()
    await broker.close()
  })

  it('completes a topic that Metadata makes within the answer, in every version, and serves it at once', async () => {
    for (const version of versionsOf(api.metadata)) {
      const name = `made-v${version}`
      const { topics } = await session.quiet(api.metadata, version, { topics: [{ name }] })
      expect(topics).toMatchObject([
        { errorCode: 0, name, partitions: [{ errorCode: 0, leaderId: 1, isrNodes: [1] }] },
      ])
      const { topics: again } = await session.quiet(api.metadata, 12, { topics: [{ name }] })
      const target = { topic: name, topicId: again[0]!.topicId }
      const { responses } = await session.quiet(api.produce, 13, produceInput(target, batch(['a'])))
      expect(responses[0]!.partitionResponses).toMatchObject([{ errorCode: 0, baseOffset: 0 }])
    }
  })

  it('answers AlterConfigs for a resource that is named twice, which Kafka leaves without an answer', async () => {
    const resource = { resourceType: TOPIC, resourceName: 'twice', configs: [] }
    const { responses } = await session.quiet(api.alterConfigs, 2, {
      resources: [resource, resource],
      validateOnly: false,
    })
    const refusal = {
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: 'Each resource must appear at most once.',
    }
    expect(responses).toMatchObject([refusal, refusal])
  })

  it('has loggers by the parts of the broker, at the level of root until they are given their own', async () => {
    const shown = async () => {
      const resource = { resourceType: BROKER_LOGGER, resourceName: '1', configurationKeys: null }
      const { results } = await session.quiet(api.describeConfigs, 4, { resources: [resource] })
      return Object.fromEntries(results[0]!.configs.map(({ name, value }) => [name, value]))
    }
    const alter = async (name: string, configOperation: number, value: string | null) => {
      const resource = { resourceType: BROKER_LOGGER, resourceName: '1' }
      const input = { resources: [{ ...resource, configs: [{ name, configOperation, value }] }] }
      const answer = await session.quiet(api.incrementalAlterConfigs, 1, { ...input, validateOnly: false })
      return answer.responses[0]!.errorCode
    }
    expect(await shown()).toMatchObject({ root: 'INFO', 'sluice.groups': 'INFO', 'sluice.net': 'INFO' })
    expect(await alter('sluice.net', 0, 'DEBUG')).toBe(0)
    expect(await alter('root', 0, 'ERROR')).toBe(0)
    expect(await shown()).toMatchObject({ root: 'ERROR', 'sluice.groups': 'ERROR', 'sluice.net': 'DEBUG' })
    expect(await alter('sluice.net', 1, null)).toBe(0)
    expect(await shown()).toMatchObject({ root: 'ERROR', 'sluice.net': 'ERROR' })
    expect(await alter('kafka.server.ReplicaManager', 0, 'DEBUG')).toBe(ErrorCode.INVALID_CONFIG)
  })

  it('describes configs to a client of the first version by what is the default', async () => {
    await session.makeTopic('configs-v0', 1, { 'retention.ms': '5000' })
    const { results } = await session.quiet(api.describeConfigs, 0, {
      resources: [
        {
          resourceType: TOPIC,
          resourceName: 'configs-v0',
          configurationKeys: ['retention.ms', 'segment.ms'],
        },
      ],
    })
    expect(results[0]!.configs).toMatchObject([
      { name: 'retention.ms', value: '5000', isDefault: false, readOnly: false, isSensitive: false },
      { name: 'segment.ms', value: '604800000', isDefault: true, readOnly: false, isSensitive: false },
    ])
  })

  it('keeps a broker that runs, which Kafka forgets and leaves without use until it is started again', async () => {
    expect(await session.quiet(api.unregisterBroker, 0, { brokerId: 1 })).toMatchObject({
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: 'Broker 1 is running: stop it before it is unregistered',
    })
    const { brokers } = await session.quiet(api.metadata, 12, { topics: [] })
    expect(brokers).toHaveLength(1)
  })

  it('answers null records, which Kafka leaves without an answer', async () => {
    const target = { topic: 'null-records', topicId: await session.makeTopic('null-records') }
    for (const version of versionsOf(api.produce)) {
      const { responses } = await session.quiet(api.produce, version, produceInput(target, null))
      expect(responses[0]!.partitionResponses).toMatchObject([{ errorCode: ErrorCode.INVALID_RECORD }])
    }
  })
})

describe('transcripts', () => {
  it('survive being written and read', () => {
    const transcript = new Map<string, unknown>([
      ['ask v1', { errorCode: 0, topics: [{ name: 'a' }] }],
      ['ask v2', { errorCode: 0, topics: [{ name: 'a' }] }],
      ['closed v1', 'connection closed'],
    ])
    const text = writeTranscript(transcript)
    expect(text).toContain('"ask v2": "= ask v1"')
    expect(readTranscript(text)).toEqual(transcript)
  })

  it('differ by a value, by a field that one lacks and by a step that one lacks', () => {
    const expected = new Map<string, unknown>([
      ['a', { errorCode: 0, topics: [{ name: 'x', id: 1 }] }],
      ['b', {}],
    ])
    const actual = new Map<string, unknown>([['a', { errorCode: 3, topics: [{ name: 'x' }, { name: 'y' }] }]])
    expect(disagreements(expected, actual)).toEqual([
      { step: 'a', path: 'errorCode', expected: 0, actual: 3 },
      { step: 'a', path: 'topics[0].id', expected: 1, actual: undefined },
      { step: 'a', path: 'topics[1]', expected: undefined, actual: { name: 'y' } },
      { step: 'b', path: '', expected: {}, actual: undefined },
    ])
  })
})
