import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/index.ts'
import { ErrorCode } from '../../src/wire/error-codes.ts'
import { api, versionsOf } from './apis.ts'
import { batch, produceInput } from './records.ts'
import { BROKER_CONFIG } from './scenario.ts'
import { Session } from './session.ts'
import { disagreements, readTranscript, writeTranscript } from './transcript.ts'

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

  it('refuses the coordinator of a transaction at once, with an error that clients do not retry', async () => {
    for (const version of versionsOf(api.findCoordinator).filter((known) => known > 0)) {
      const answer = await session.quiet(api.findCoordinator, version, {
        key: 'tx',
        keyType: 1,
        coordinatorKeys: ['tx'],
      })
      const refusal = version < 4 ? answer : answer.coordinators[0]
      expect(refusal).toMatchObject({
        errorCode: ErrorCode.UNSUPPORTED_VERSION,
        errorMessage: 'This broker does not serve transactions.',
      })
    }
  })

  it('refuses a transactional producer id and a transactional batch', async () => {
    for (const version of versionsOf(api.initProducerId)) {
      const answer = await session.quiet(api.initProducerId, version, {
        transactionalId: 'tx',
        transactionTimeoutMs: 60_000,
      })
      expect(answer).toMatchObject({
        errorCode: ErrorCode.UNSUPPORTED_VERSION,
        producerId: -1,
        producerEpoch: -1,
      })
    }
    const target = { topic: 'transactional', topicId: await session.makeTopic('transactional') }
    const transactional = batch(['a'], {
      isTransactional: true,
      producerId: 1,
      producerEpoch: 0,
      baseSequence: 0,
    })
    for (const version of versionsOf(api.produce)) {
      const { responses } = await session.quiet(
        api.produce,
        version,
        produceInput(target, transactional, -1, 'tx'),
      )
      expect(responses[0]!.partitionResponses).toMatchObject([
        { errorCode: ErrorCode.INVALID_TXN_STATE, baseOffset: -1 },
      ])
    }
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
