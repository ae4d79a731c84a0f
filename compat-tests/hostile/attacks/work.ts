/** Requests that are right and ask for very much. */

import { assembleBatch, encodeBatch, RecordsBuilder } from '../../../src/wire/records.ts'
import { produceRequest } from '../../../src/wire/schemas/00-produce.ts'
import { fetchRequest, fetchResponse } from '../../../src/wire/schemas/01-fetch.ts'
import { metadataRequest } from '../../../src/wire/schemas/03-metadata.ts'
import { joinGroupRequest, joinGroupResponse } from '../../../src/wire/schemas/11-join-group.ts'
import {
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from '../../../src/wire/schemas/68-consumer-group-heartbeat.ts'
import type { Attack, AttackContext } from '../attack.ts'
import { requestFrame } from '../frames.ts'
import { createTopics, deleteTopics } from '../topics.ts'

const COMPACTED = 'hostile-compacted'
const RECODED = 'hostile-recoded'
const CODECS = ['gzip', 'zstd', 'lz4', 'snappy'] as const

/** One value of zeros, or very many empty records, which become small whatever the codec is. */
function bombs(): Buffer[] {
  const builder = new RecordsBuilder()
  for (let index = 0; index < 1_000_000; index++) builder.append({ key: Buffer.alloc(1) })
  const many = builder.toBuffer()
  return CODECS.flatMap((compression) => {
    const large = encodeBatch({
      compression,
      baseTimestamp: Date.now(),
      records: [
        {
          key: Buffer.alloc(1),
          value: Buffer.alloc(compression === 'snappy' || compression === 'lz4' ? 100e6 : 300e6),
        },
      ],
    })
    const facts = {
      recordsCount: builder.count,
      lastOffsetDelta: builder.count - 1,
      maxTimestamp: Date.now(),
    }
    return [large, assembleBatch({ compression, baseTimestamp: Date.now() }, many, facts)]
  })
}

export function bombAttack(): Attack {
  let frames: readonly Buffer[] = []
  return {
    name: 'decompression bombs',
    async prepare(context) {
      const client = await context.client()
      await deleteTopics(client, [COMPACTED, RECODED])
      const configs = { 'max.message.bytes': '20000000' }
      await createTopics(client, [COMPACTED], { ...configs, 'cleanup.policy': 'compact' })
      await createTopics(client, [RECODED], { ...configs, 'compression.type': 'gzip' })
      frames = bombs().flatMap((records) =>
        [COMPACTED, RECODED].map((name) =>
          requestFrame(produceRequest, 9, {
            transactionalId: null,
            acks: 1,
            timeoutMs: 1000,
            topicData: [{ name, partitionData: [{ index: 0, records }] }],
          }),
        ),
      )
    },
    async run(context) {
      const work = async () => {
        let peer = await context.peer()
        while (!context.isOver()) {
          if (peer.isClosed) peer = await context.peer()
          const heard = peer.heard()
          await peer.send(context.random.pick(frames))
          await heard
        }
      }
      await Promise.all(Array.from({ length: 4 }, work))
    },
    async cleanUp(context) {
      const client = await context.client()
      await deleteTopics(client, [COMPACTED, RECODED])
    },
  }
}

const TOPICS = 10_000
const CREATED_AT_ONCE = 10

function topicNames(context: AttackContext): string[] {
  return Array.from({ length: context.scaled(TOPICS, 500) }, (_, index) => `hostile-topic-${index}`)
}

/** One after the other; the time that it is given is not what ends it. */
export const manyTopics: Attack = {
  name: '10,000 topics created in a loop',
  async run(context) {
    const client = await context.client()
    const names = topicNames(context)
    for (let from = 0; from < names.length; from += CREATED_AT_ONCE)
      await createTopics(client, names.slice(from, from + CREATED_AT_ONCE))
  },
  async cleanUp(context) {
    await deleteTopics(await context.client(), topicNames(context))
  },
}

export const allMetadata: Attack = {
  name: 'metadata of all 10,000 topics in a loop',
  async prepare(context) {
    await createTopics(await context.client(), topicNames(context))
  },
  async run(context) {
    const frame = requestFrame(metadataRequest, 12, { topics: null })
    const work = async () => {
      const client = await context.client()
      while (!context.isOver()) {
        client.sendRaw(frame)
        await client.answer(1)
      }
    }
    await Promise.all(Array.from({ length: 8 }, work))
  },
  async cleanUp(context) {
    await deleteTopics(await context.client(), topicNames(context))
  },
}

export const vanishingMembers: Attack = {
  name: 'group members that join and vanish',
  async run(context) {
    const metadata = Buffer.from('00010000000100056c6f6164730000000000000000', 'hex')
    const join = (groupId: string, memberId: string) => ({
      groupId,
      sessionTimeoutMs: 200,
      rebalanceTimeoutMs: 200,
      memberId,
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata }],
      reason: null,
    })
    const work = async (_: unknown, worker: number) => {
      while (!context.isOver()) {
        const groupId = `hostile-${worker % 8}`
        const client = await context.client()
        if (worker % 2 === 0) {
          const first = await client.send(joinGroupRequest, joinGroupResponse, 9, join(groupId, ''))
          client.sendOneWay(joinGroupRequest, 9, join(groupId, first.memberId))
        } else {
          await client.send(consumerGroupHeartbeatRequest, consumerGroupHeartbeatResponse, 1, {
            groupId: `${groupId}-consumer`,
            memberId: `member-${context.random.uint32()}`,
            memberEpoch: 0,
            instanceId: null,
            rackId: null,
            rebalanceTimeoutMs: 1000,
            subscribedTopicNames: ['load'],
            subscribedTopicRegex: null,
            serverAssignor: null,
            topicPartitions: [],
          })
        }
        await client.close()
      }
    }
    await Promise.all(Array.from({ length: 32 }, work))
  },
}

export const vanishingSessions: Attack = {
  name: 'fetch sessions that are made and left',
  async run(context) {
    const work = async () => {
      while (!context.isOver()) {
        const client = await context.client()
        await client.send(fetchRequest, fetchResponse, 12, {
          replicaId: -1,
          maxWaitMs: 0,
          minBytes: 1,
          maxBytes: 1000,
          isolationLevel: 0,
          sessionId: 0,
          sessionEpoch: 0,
          topics: [
            {
              topic: 'hostile-none',
              partitions: Array.from({ length: 100 }, (_, partition) => ({
                partition,
                currentLeaderEpoch: -1,
                fetchOffset: 0,
                lastFetchedEpoch: -1,
                logStartOffset: -1,
                partitionMaxBytes: 1000,
              })),
            },
          ],
          forgottenTopicsData: [],
          rackId: '',
        })
        await client.close()
      }
    }
    await Promise.all(Array.from({ length: 16 }, work))
  },
}
