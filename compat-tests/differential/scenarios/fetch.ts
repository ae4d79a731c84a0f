import { api, versionsOf } from '../apis.ts'
import { append, batch } from '../records.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const UNKNOWN_ID = 'xxxxxxxxxxxxxxxxxxxxxw'
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const LATEST = 18

interface Partition {
  readonly topic: string
  readonly topicId: string
  readonly partition?: number
  readonly fetchOffset?: number
  readonly currentLeaderEpoch?: number
  readonly lastFetchedEpoch?: number
  readonly partitionMaxBytes?: number
}

function fetchInput(partitions: readonly Partition[], rest: Record<string, unknown> = {}) {
  return {
    maxWaitMs: 0,
    minBytes: 1,
    topics: partitions.map(({ topic, topicId, ...partition }) => ({
      topic,
      topicId,
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000, ...partition }],
    })),
    forgottenTopicsData: [],
    ...rest,
  }
}

export const fetching: Scenario = {
  name: 'fetch',
  async run(session) {
    const filled = { topic: 'fetch-filled', topicId: await session.makeTopic('fetch-filled', 2) }
    const empty = { topic: 'fetch-empty', topicId: await session.makeTopic('fetch-empty') }
    const missing = { topic: 'fetch-missing', topicId: UNKNOWN_ID }
    await append(session, filled, batch(['a', 'b', 'c']))
    await append(session, filled, batch(['d']))
    await append(session, filled, batch(['e', 'f'], { compression: 'zstd' }))
    for (const version of versionsOf(api.fetch)) {
      const ask = (step: string, partitions: readonly Partition[], rest: Record<string, unknown> = {}) =>
        session.ask(`${step} v${version}`, api.fetch, version, fetchInput(partitions, rest))
      await ask('from the start', [filled])
      await ask('inside a batch', [{ ...filled, fetchOffset: 1 }])
      await ask('at the end', [{ ...filled, fetchOffset: 6 }])
      await ask('above the end', [{ ...filled, fetchOffset: 7 }])
      await ask('a negative offset', [{ ...filled, fetchOffset: -1 }])
      await ask('a huge offset', [{ ...filled, fetchOffset: 2 ** 53 }])
      await ask('an empty topic', [empty])
      await ask('a missing topic', [missing])
      await ask('a missing partition', [{ ...filled, partition: 9 }])
      await ask('a negative partition', [{ ...filled, partition: -1 }])
      await ask('good and bad', [filled, missing, { ...empty, fetchOffset: 5 }])
      await ask('no topics', [])
      await ask('a tiny partition limit', [{ ...filled, partitionMaxBytes: 1 }])
      await ask('a partition limit of 0', [{ ...filled, partitionMaxBytes: 0 }])
      await ask('a tiny limit', [filled, { ...filled, fetchOffset: 3 }], { maxBytes: 1 })
      await ask('read committed', [filled], { isolationLevel: 1 })
      if (version >= 9) {
        await ask('the leader epoch', [{ ...filled, currentLeaderEpoch: 0 }])
        await ask('a future leader epoch', [{ ...filled, currentLeaderEpoch: 1 }])
        await ask('a future leader epoch above the end', [
          { ...filled, currentLeaderEpoch: 1, fetchOffset: 9 },
        ])
      }
      if (version >= 12) {
        await ask('the last fetched epoch', [{ ...filled, fetchOffset: 3, lastFetchedEpoch: 0 }])
        await ask('a last fetched epoch to come', [{ ...filled, fetchOffset: 3, lastFetchedEpoch: 5 }])
        await ask('a last fetched epoch, diverging', [{ ...filled, fetchOffset: 9, lastFetchedEpoch: 0 }])
        await ask('a last fetched epoch, in an empty log', [
          { ...empty, fetchOffset: 0, lastFetchedEpoch: 0 },
        ])
        await ask('a zero id', [{ ...filled, topicId: ZERO_ID }])
        await ask('an empty name', [{ ...filled, topic: '' }])
      }
    }
    await limits(session)
    await zstdTopic(session)
  },
}

async function limits(session: Session): Promise<void> {
  const target = { topic: 'fetch-limits', topicId: await session.makeTopic('fetch-limits', 3) }
  for (let index = 0; index < 5; index++)
    await append(session, target, batch([`value ${index} ${'x'.repeat(100)}`]))
  await append(session, { ...target, partition: 1 }, batch(['y'.repeat(500)]))
  const size = batch([`value 0 ${'x'.repeat(100)}`]).length
  for (const partitionMaxBytes of [size - 1, size, size + 1, 2 * size - 1, 2 * size, 5 * size, -1]) {
    await session.ask(
      `a partition limit of ${partitionMaxBytes}`,
      api.fetch,
      LATEST,
      fetchInput([{ ...target, partitionMaxBytes }]),
    )
  }
  for (const maxBytes of [0, -1, size - 1, size, 3 * size + 5]) {
    await session.ask(
      `a limit of ${maxBytes} for two partitions`,
      api.fetch,
      LATEST,
      fetchInput([target, { ...target, partition: 1 }, { ...target, partition: 2 }], { maxBytes }),
    )
  }
  await session.ask(
    'the first partition has nothing, the second more than the limit',
    api.fetch,
    LATEST,
    fetchInput([{ ...target, partition: 2 }, { ...target, partition: 1 }, target], { maxBytes: 10 }),
  )
  await session.ask(
    'a second partition with more than is left',
    api.fetch,
    LATEST,
    fetchInput([target, { ...target, partition: 1 }], { maxBytes: 5 * size + 100 }),
  )
  await session.ask(
    'the same partition twice',
    api.fetch,
    LATEST,
    fetchInput([target, { ...target, fetchOffset: 2 }]),
  )
  for (const minBytes of [0, -1, 1, 100_000]) {
    await session.ask(
      `min bytes ${minBytes}`,
      api.fetch,
      LATEST,
      fetchInput([target], { minBytes, maxWaitMs: 50 }),
    )
  }
  await session.ask(
    'a negative wait',
    api.fetch,
    LATEST,
    fetchInput([{ ...target, partition: 2 }], { maxWaitMs: -1 }),
  )
  const waiting = session.ask(
    'a wait that an append ends',
    api.fetch,
    LATEST,
    fetchInput([{ ...target, partition: 2 }], { maxWaitMs: 10_000 }),
  )
  await append(await session.another(), { ...target, partition: 2 }, batch(['at last']))
  await waiting
  await session.ask('a follower that is none', api.fetch, LATEST, {
    ...fetchInput([target]),
    replicaState: { replicaId: 7, replicaEpoch: -1 },
  })
  await session.ask('a debugging consumer', api.fetch, 12, { ...fetchInput([target]), replicaId: -2 })
  await session.ask('a cluster id of another', api.fetch, LATEST, {
    ...fetchInput([target]),
    clusterId: 'other',
  })
  await session.ask(
    'an unknown isolation level',
    api.fetch,
    LATEST,
    fetchInput([target], { isolationLevel: 5 }),
  )
}

async function zstdTopic(session: Session): Promise<void> {
  const name = 'fetch-zstd'
  const target = { topic: name, topicId: await session.makeTopic(name, 1, { 'compression.type': 'zstd' }) }
  await append(session, target, batch(['a']))
  for (const version of [9, 10]) {
    await session.ask(`a topic of zstd v${version}`, api.fetch, version, fetchInput([target]))
  }
}

export const fetchSessions: Scenario = {
  name: 'fetch-sessions',
  async run(session) {
    for (const version of versionsOf(api.fetch).filter((known) => known >= 7)) {
      const names = [`fetch-session-a-v${version}`, `fetch-session-b-v${version}`] as const
      const a = { topic: names[0], topicId: await session.makeTopic(names[0]) }
      const b = { topic: names[1], topicId: await session.makeTopic(names[1], 2) }
      await append(session, a, batch(['a']))
      const ask = (
        step: string,
        sessionId: number,
        sessionEpoch: number,
        partitions: readonly Partition[],
        forgotten: readonly Partition[] = [],
      ) =>
        session.ask(`${step} v${version}`, api.fetch, version, {
          ...fetchInput(partitions),
          sessionId,
          sessionEpoch,
          forgottenTopicsData: forgotten.map(({ topic, topicId, partition }) => ({
            topic,
            topicId,
            partitions: [partition ?? 0],
          })),
        })
      const { sessionId } = await ask('a new session', 0, 0, [a, b])
      await ask('the data again', sessionId, 1, [])
      await ask('past the data', sessionId, 2, [{ ...a, fetchOffset: 1 }])
      await ask('nothing new', sessionId, 3, [])
      await append(session, b, batch(['b', 'c']))
      await ask('something new', sessionId, 4, [])
      await ask('a partition added', sessionId, 5, [
        { ...b, fetchOffset: 2 },
        { ...b, partition: 1 },
      ])
      await ask('a missing partition added', sessionId, 6, [{ ...b, partition: 9 }])
      await ask('the missing partition again', sessionId, 7, [])
      await ask('the missing partition forgotten', sessionId, 8, [], [{ ...b, partition: 9 }])
      await ask('forgotten what was never there', sessionId, 9, [], [{ ...b, partition: 12 }])
      await ask('an old epoch', sessionId, 3, [])
      await ask('an epoch ahead', sessionId, 100, [])
      await ask('the right epoch after that', sessionId, 10, [])
      await ask('an unknown session', 12345, 4, [])
      await ask('session 0 at epoch 5', 0, 5, [a])
      await ask('a negative epoch', sessionId, -2, [])
      if (version === 12 || version === 13) {
        const other = version === 12 ? 13 : 12
        await session.ask(`the other kind of names v${version}`, api.fetch, other, {
          ...fetchInput([a]),
          sessionId,
          sessionEpoch: 11,
        })
      }
      const missing = { topic: `fetch-session-missing-v${version}`, topicId: UNKNOWN_ID }
      const unknown = await ask('a session with a missing topic', 0, 0, [missing, a])
      await ask('the missing topic again', unknown.sessionId, 1, [])
      await ask('the session closed', unknown.sessionId, -1, [])
      await ask('after the close', unknown.sessionId, 2, [])
      await ask('made anew in the place of the old', sessionId, 0, [a])
      await ask('the old one', sessionId, 11, [])
      const last = await ask('a session of one', 0, 0, [a])
      await ask('its one partition forgotten', last.sessionId, 1, [], [a])
      await ask('after that', last.sessionId, 2, [])
      await ask('a new session without partitions', 0, 0, [])
      await ask('a session that is none', 0, -1, [a])
    }
    const gone = 'fetch-session-gone'
    const target = { topic: gone, topicId: await session.makeTopic(gone) }
    const { sessionId } = await session.ask('a topic to be deleted', api.fetch, LATEST, {
      ...fetchInput([target]),
      sessionId: 0,
      sessionEpoch: 0,
    })
    await session.quiet(api.deleteTopics, 6, { topics: [{ name: gone }], timeoutMs: 10_000 })
    await session.until(
      api.metadata,
      12,
      { topics: [{ name: gone }], allowAutoTopicCreation: false },
      ({ topics }) => topics[0]!.errorCode !== 0,
    )
    await session.ask('the topic is deleted', api.fetch, LATEST, {
      ...fetchInput([]),
      sessionId,
      sessionEpoch: 1,
    })
    await session.makeTopic(gone)
    await session.ask('the topic is made again', api.fetch, LATEST, {
      ...fetchInput([]),
      sessionId,
      sessionEpoch: 2,
    })
  },
}
