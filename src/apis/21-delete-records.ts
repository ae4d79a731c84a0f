/**
 * DeleteRecords, versions 0–2: moves the log start offset up. -1 means the high watermark. Only where the cleanup
 * policy deletes; answered when all replicas in sync have followed, which for one is at once.
 */
import { isInternalTopic } from '../cluster/topic-names.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import {
  type DeleteRecordsRequest,
  deleteRecordsRequest,
  deleteRecordsResponse,
} from '../wire/schemas/21-delete-records.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

export const deleteRecords = handler({
  request: deleteRecordsRequest,
  response: deleteRecordsResponse,
  minVersion: 0,
  maxVersion: 2,

  async handle({ time }, request, services) {
    const { slices } = services
    const turn = slices.turn()
    const topics = await slices.map(
      [...offsetsByPartition(request)],
      async ([name, partitions]) => ({
        name,
        partitions: await slices.map(
          [...partitions],
          ([partitionIndex, offset]) => deleteTo(name, partitionIndex, offset, services),
          turn,
          time,
        ),
      }),
      turn,
      time,
    )
    return { topics }
  },

  refuse: (request, errorCode) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => failed(partitionIndex, errorCode)),
    })),
  }),
})

/** As Kafka has it: of a partition that is named twice the last offset counts, and a topic without any is not answered. */
function offsetsByPartition({ topics }: DeleteRecordsRequest): Map<string, Map<number, number>> {
  const byTopic = new Map<string, Map<number, number>>()
  for (const { name, partitions } of topics) {
    for (const { partitionIndex, offset } of partitions) {
      const known = byTopic.get(name)
      if (known === undefined) byTopic.set(name, new Map([[partitionIndex, offset]]))
      else known.set(partitionIndex, offset)
    }
  }
  return byTopic
}

function failed(partitionIndex: number, errorCode: number) {
  return { partitionIndex, lowWatermark: -1, errorCode }
}

function deleteTo(topic: string, partitionIndex: number, offset: number, services: Services) {
  if (isInternalTopic(topic)) return failed(partitionIndex, ErrorCode.INVALID_TOPIC_EXCEPTION)
  const partition = services.partitions.get(topic, partitionIndex)
  if (partition === undefined)
    return failed(partitionIndex, services.partitions.missing(topic, partitionIndex))
  try {
    return { partitionIndex, lowWatermark: partition.deleteRecords(offset), errorCode: ErrorCode.NONE }
  } catch (error) {
    if (error instanceof KafkaError) return failed(partitionIndex, error.code)
    services.logger.error('records not deleted', { topic, partition: partitionIndex, err: error })
    return failed(partitionIndex, ErrorCode.UNKNOWN_SERVER_ERROR)
  }
}
