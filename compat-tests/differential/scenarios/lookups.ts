import { api, versionsOf } from '../apis.ts'
import { append, batch, TIME_MS } from '../records.ts'
import type { Scenario } from '../scenario.ts'
import type { Session } from '../session.ts'

const SPECIALS = [-1, -2, -3, -4, -5, -6, -7, -8]

export const lookups: Scenario = {
  name: 'lookups',
  async run(session) {
    const topic = 'lookups'
    const target = { topic, topicId: await session.makeTopic(topic, 2) }
    await session.makeTopic('lookups-empty')
    await append(session, target, batch(['a', 'b', 'c']))
    await append(session, target, batch(['late', 'early'], { baseTimestamp: TIME_MS + 5000 }))
    await append(session, target, batch(['older'], { baseTimestamp: TIME_MS - 1000 }))
    await append(
      session,
      target,
      batch(['x', 'y', 'z'], { baseTimestamp: TIME_MS + 100, compression: 'gzip' }),
    )
    await listOffsets(session, topic)
    await leaderEpochs(session, topic)
    await deleteRecords(session)
  },
}

async function listOffsets(session: Session, name: string): Promise<void> {
  for (const version of versionsOf(api.listOffsets)) {
    const ask = (
      step: string,
      timestamp: number,
      { topic = name, partitionIndex = 0, currentLeaderEpoch = -1, replicaId = -1, isolationLevel = 0 } = {},
    ) =>
      session.ask(`${step} v${version}`, api.listOffsets, version, {
        replicaId,
        isolationLevel,
        timeoutMs: 1000,
        topics: [{ name: topic, partitions: [{ partitionIndex, currentLeaderEpoch, timestamp }] }],
      })
    for (const special of SPECIALS) {
      await ask(`timestamp ${special}`, special)
      await ask(`timestamp ${special} of an empty log`, special, { topic: 'lookups-empty' })
    }
    for (const after of [-1001, -1000, -999, 0, 1, 2, 3, 101, 102, 103, 5000, 5001, 5002]) {
      await ask(`the time ${after} ms from the first`, TIME_MS + after)
    }
    await ask('time 0', 0)
    await ask('time 0 of an empty log', 0, { topic: 'lookups-empty' })
    await ask('a missing topic', -1, { topic: 'lookups-missing' })
    await ask('a missing partition', -1, { partitionIndex: 5 })
    await ask('a negative partition', -1, { partitionIndex: -1 })
    await ask('an illegal name', -1, { topic: 'no such/topic' })
    if (version >= 2) await ask('read committed', -1, { isolationLevel: 1 })
    if (version >= 4) {
      await ask('the leader epoch', -1, { currentLeaderEpoch: 0 })
      await ask('a future leader epoch', -1, { currentLeaderEpoch: 3 })
      await ask('a special timestamp with a future leader epoch', -9, { currentLeaderEpoch: 3 })
    }
    await ask('a debugging consumer', -1, { replicaId: -2 })
    await ask('a follower that is none', -1, { replicaId: 8 })
    await session.ask(`a partition twice v${version}`, api.listOffsets, version, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          name,
          partitions: [
            { partitionIndex: 0, timestamp: -1 },
            { partitionIndex: 0, timestamp: -2 },
            { partitionIndex: 1, timestamp: -1 },
          ],
        },
      ],
    })
    await session.ask(`no topics v${version}`, api.listOffsets, version, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [],
    })
  }
}

async function leaderEpochs(session: Session, topic: string): Promise<void> {
  for (const version of versionsOf(api.offsetForLeaderEpoch)) {
    const ask = (
      step: string,
      leaderEpoch: number,
      { name = topic, partition = 0, currentLeaderEpoch = -1 } = {},
    ) =>
      session.ask(`${step} v${version}`, api.offsetForLeaderEpoch, version, {
        replicaId: -1,
        topics: [{ topic: name, partitions: [{ partition, currentLeaderEpoch, leaderEpoch }] }],
      })
    for (const epoch of [0, 1, 7, -1, -2]) {
      await ask(`the end of epoch ${epoch}`, epoch)
      await ask(`the end of epoch ${epoch} in an empty log`, epoch, { name: 'lookups-empty' })
    }
    await ask('by the leader epoch', 0, { currentLeaderEpoch: 0 })
    await ask('by a future leader epoch', 0, { currentLeaderEpoch: 2 })
    await ask('of a missing topic', 0, { name: 'lookups-missing' })
    await ask('of a missing partition', 0, { partition: 4 })
    await session.ask(`no topics for epochs v${version}`, api.offsetForLeaderEpoch, version, {
      replicaId: -1,
      topics: [],
    })
  }
}

async function deleteRecords(session: Session): Promise<void> {
  await session.makeTopic('lookups-compacted', 1, { 'cleanup.policy': 'compact' })
  await session.makeTopic('lookups-both', 1, { 'cleanup.policy': 'compact,delete' })
  for (const version of versionsOf(api.deleteRecords)) {
    const topic = `lookups-delete-v${version}`
    const target = { topic, topicId: await session.makeTopic(topic) }
    await append(session, target, batch(['a', 'b', 'c', 'd']))
    await append(session, target, batch(['e']))
    const ask = (step: string, offset: number, { name = topic, partitionIndex = 0 } = {}) =>
      session.ask(`${step} v${version}`, api.deleteRecords, version, {
        topics: [{ name, partitions: [{ partitionIndex, offset }] }],
        timeoutMs: 5000,
      })
    await ask('delete up to inside a batch', 2)
    await session.ask(`from before the log start v${version}`, api.fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1000 }] }],
      forgottenTopicsData: [],
    })
    await session.ask(`from the log start v${version}`, api.fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 2, partitionMaxBytes: 1000 }] }],
      forgottenTopicsData: [],
    })
    for (const timestamp of [-1, -2, -3, -4, TIME_MS]) {
      await session.ask(`timestamp ${timestamp} after the deletion v${version}`, api.listOffsets, 9, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
      })
    }
    await ask('delete up to an earlier offset', 1)
    await ask('delete up to the same offset', 2)
    await ask('delete above the high watermark', 6)
    await ask('delete at a negative offset', -2)
    await ask('delete all', -1)
    await ask('delete all again', -1)
    await ask('delete in a missing topic', 0, { name: 'lookups-missing' })
    await ask('delete in a missing partition', 0, { partitionIndex: 3 })
    await ask('delete in a compacted topic', 0, { name: 'lookups-compacted' })
    await ask('delete in a topic that is compacted and deleted', 0, { name: 'lookups-both' })
    await ask('delete in an internal topic', 0, { name: '__consumer_offsets' })
    await session.ask(`delete nothing v${version}`, api.deleteRecords, version, {
      topics: [],
      timeoutMs: 5000,
    })
  }
}
