import type { BatchInput } from '../../../src/wire/records.ts'
import { api, versionsOf } from '../apis.ts'
import { batch, produceInput } from '../records.ts'
import type { Scenario } from '../scenario.ts'

const LAST_SEQUENCE = 2 ** 31 - 1

export const idempotence: Scenario = {
  name: 'idempotence',
  async run(session) {
    for (const version of versionsOf(api.initProducerId)) {
      await session.ask(`a new producer v${version}`, api.initProducerId, version, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
      })
      await session.ask(`an empty transactional id v${version}`, api.initProducerId, version, {
        transactionalId: '',
        transactionTimeoutMs: 60_000,
      })
    }
    for (const version of [3, 5]) {
      await session.ask(`an epoch without a producer id v${version}`, api.initProducerId, version, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
        producerEpoch: 3,
      })
      await session.ask(`a producer id without an epoch v${version}`, api.initProducerId, version, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
        producerId: 3,
      })
      await session.ask(`a producer id and epoch v${version}`, api.initProducerId, version, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
        producerId: 3,
        producerEpoch: 2,
      })
    }
    const topic = 'idempotence'
    const topicId = await session.makeTopic(topic)
    const { producerId } = await session.quiet(api.initProducerId, 5, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
    })
    const send = (step: string, input: Partial<BatchInput>, records = 1, version = 13) =>
      session.ask(
        step,
        api.produce,
        version,
        produceInput(
          { topic, topicId },
          batch(
            Array.from({ length: records }, (_, index) => `${index}`),
            { producerEpoch: 0, ...input },
          ),
        ),
      )
    const own = (step: string, baseSequence: number, records = 1, producerEpoch = 0, version = 13) =>
      send(step, { producerId, producerEpoch, baseSequence }, records, version)

    await own('the first batch', 0, 3)
    await own('the next batch', 3, 2)
    for (const version of [3, 7, 8, 12, 13]) {
      await own(`a duplicate of the last batch v${version}`, 3, 2, 0, version)
      await own(`a duplicate of the first batch v${version}`, 0, 3, 0, version)
      await own(`a gap v${version}`, 6, 1, 0, version)
      await own(`a partial overlap v${version}`, 4, 2, 0, version)
    }
    await own('a shorter duplicate', 0, 2)
    for (const sequence of [5, 6, 7, 8]) await own(`sequence ${sequence}`, sequence)
    await own('the sixth batch back', 0, 3)
    await own('the fifth batch back', 3, 2)
    await own('a higher epoch not at 0', 9, 1, 1)
    await own('a higher epoch at 0', 0, 2, 1)
    await own('the old epoch', 9, 1, 0)
    await own('a duplicate in the higher epoch', 0, 2, 1)
    await own('a gap in the higher epoch', 3, 1, 1)
    await own('an epoch two above', 0, 1, 3)
    await own('the epoch between', 0, 1, 2)
    await send('an unknown producer amid its sequence', { producerId: producerId + 1000, baseSequence: 7 })
    await send('after that its next', { producerId: producerId + 1000, baseSequence: 8 })
    await send('after that a gap', { producerId: producerId + 1000, baseSequence: 10 })
    await send('an unknown producer at a high epoch', {
      producerId: producerId + 1001,
      producerEpoch: 9,
      baseSequence: 4,
    })
    const wrap = producerId + 1002
    await send('up to the last sequence but one', { producerId: wrap, baseSequence: LAST_SEQUENCE - 1 })
    await send('a batch that wraps', { producerId: wrap, baseSequence: LAST_SEQUENCE }, 3)
    await send('a duplicate that wraps', { producerId: wrap, baseSequence: LAST_SEQUENCE }, 3)
    await send('after the wrap', { producerId: wrap, baseSequence: 2 })
    await send('after the wrap at 0', { producerId: wrap, baseSequence: 0 })
    const exact = producerId + 1003
    await send('just the last sequence', { producerId: exact, baseSequence: LAST_SEQUENCE })
    await send('0 after the last sequence', { producerId: exact, baseSequence: 0 })
    await send('a negative producer id', { producerId: -2, baseSequence: 0 })
    await send('a negative epoch', { producerId: exact, producerEpoch: -2, baseSequence: 0 })
    await send('a negative sequence', { producerId: exact, baseSequence: -2 })

    const appendTime = 'idempotence-append-time'
    const appendTimeId = await session.makeTopic(appendTime, 1, { 'message.timestamp.type': 'LogAppendTime' })
    for (const step of ['with LogAppendTime', 'a duplicate with LogAppendTime']) {
      await session.ask(
        step,
        api.produce,
        13,
        produceInput(
          { topic: appendTime, topicId: appendTimeId },
          batch(['a'], { producerId, producerEpoch: 0, baseSequence: 0 }),
        ),
      )
    }
    await session.ask('what was stored', api.fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }],
      forgottenTopicsData: [],
    })
  },
}
