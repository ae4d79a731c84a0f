import { api } from '../apis.ts'
import { batch, produceInput } from '../records.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

export const described: Scenario = {
  name: 'described',
  async run(session) {
    await topicPartitions(session)
    await producers(session)
  },
}

async function topicPartitions(session: Session): Promise<void> {
  const [a, b, c] = ['described-a', 'described-b', 'described-c']
  await session.makeTopic(a, 3)
  await session.makeTopic(b, 2)
  await session.makeTopic(c, 4)
  const ask = (
    step: string,
    names: readonly string[],
    responsePartitionLimit = 2000,
    cursor: { topicName: string; partitionIndex: number } | null = null,
  ) =>
    session.ask(step, api.describeTopicPartitions, 0, {
      topics: names.map((name) => ({ name })),
      responsePartitionLimit,
      cursor,
    })
  await ask('topics', [c, a, b])
  await ask('a topic twice', [a, a])
  await ask('missing, illegal and internal topics', [
    'described-missing',
    'described/illegal',
    b,
    '__consumer_offsets',
  ])
  await ask('an empty name', [''])
  for (const limit of [-1, 0, 1, 3, 4, 5, 9]) await ask(`a limit of ${limit}`, [a, b, c], limit)
  await ask('a limit before a missing topic', [a, 'described-missing'], 3)
  await ask('a cursor within a topic', [a, b, c], 4, { topicName: b, partitionIndex: 1 })
  await ask('a cursor at the end of a topic', [a, b], 4, { topicName: a, partitionIndex: 3 })
  await ask('a cursor behind the end of a topic', [a, b], 4, { topicName: a, partitionIndex: 7 })
  await ask('a cursor on a topic that is not named', [a, c], 4, { topicName: b, partitionIndex: 0 })
  await ask('a cursor on a missing topic', [a, 'described-bb', c], 4, {
    topicName: 'described-bb',
    partitionIndex: 1,
  })
  await ask('a negative cursor', [a, b], 4, { topicName: a, partitionIndex: -1 })
  await session.ask(
    'all topics from a cursor',
    api.describeTopicPartitions,
    0,
    { topics: [], responsePartitionLimit: 4, cursor: { topicName: a, partitionIndex: 1 } },
    ({ topics, nextCursor }) => ({
      topics: topics.filter(({ name }) => name?.startsWith('described-')),
      nextCursor,
    }),
  )
}

async function producers(session: Session): Promise<void> {
  const topic = 'described-producers'
  const topicId = await session.makeTopic(topic, 2)
  const ask = (step: string, topics: readonly { name: string; partitionIndexes: number[] }[]) =>
    session.ask(step, api.describeProducers, 0, { topics: [...topics] })
  await ask('a partition without producers', [{ name: topic, partitionIndexes: [0] }])
  for (const epoch of [0, 3]) {
    const { producerId } = await session.quiet(api.initProducerId, 5, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
    })
    for (const baseSequence of [0, 2]) {
      const records = batch(['1', '2'], { producerId, producerEpoch: epoch, baseSequence })
      await session.quiet(api.produce, 13, produceInput({ topic, topicId }, records))
    }
  }
  await ask('producers', [{ name: topic, partitionIndexes: [0, 1] }])
  await ask('producers of what is missing', [
    { name: topic, partitionIndexes: [2, -1] },
    { name: 'described-missing', partitionIndexes: [0] },
    { name: 'described/illegal', partitionIndexes: [0] },
    { name: '', partitionIndexes: [0] },
  ])
  await ask('producers of a partition twice', [{ name: topic, partitionIndexes: [1, 1] }])
  await ask('producers of nothing', [])
  await ask('producers of no partition', [{ name: topic, partitionIndexes: [] }])
}
