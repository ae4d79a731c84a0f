/**
 * OffsetForLeaderEpoch, versions 0–4: where the log of a leader epoch ends, so that a client can find out whether its
 * own was cut off (KIP-320). v1: the answer's epoch; v2: the current leader epoch is
 * checked; v3: replica ids.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type OffsetForLeaderEpochRequest,
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from '../wire/schemas/23-offset-for-leader-epoch.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

type PartitionRequest = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number]

export const offsetForLeaderEpoch = handler({
  request: offsetForLeaderEpochRequest,
  response: offsetForLeaderEpochResponse,
  minVersion: 0,
  maxVersion: 4,

  async handle({ time }, request, services) {
    const { slices } = services
    const turn = slices.turn()
    const topics = await slices.map(
      request.topics,
      async ({ topic, partitions }) => ({
        topic,
        partitions: await slices.map(partitions, (each) => endOffset(topic, each, services), turn, time),
      }),
      turn,
      time,
    )
    return { topics }
  },

  refuse: (request, errorCode) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => failed(partition, errorCode)),
    })),
  }),
})

function failed(partition: number, errorCode: number) {
  return { partition, errorCode, leaderEpoch: -1, endOffset: -1 }
}

function endOffset(topic: string, request: PartitionRequest, services: Services) {
  const { partition } = request
  const hosted = services.partitions.get(topic, partition)
  if (hosted === undefined) return failed(partition, services.partitions.missing(topic, partition))
  const epochError = hosted.epochError(request.currentLeaderEpoch)
  if (epochError !== ErrorCode.NONE) return failed(partition, epochError)
  const { leaderEpoch, endOffset } = hosted.endOffsetForEpoch(request.leaderEpoch)
  return { partition, errorCode: ErrorCode.NONE, leaderEpoch, endOffset }
}
