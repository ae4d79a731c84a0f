/**
 * DeleteRecords, versions 0–2: moves the log start offset up. -1 means the high watermark. Only where the cleanup
 * policy deletes; answered when all replicas in sync have followed, which for one is at once.
 */
import { isInternalTopic } from '../cluster/topic-names.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { deleteRecordsRequest, deleteRecordsResponse } from '../wire/schemas/21-delete-records.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

export const deleteRecords = handler({
  request: deleteRecordsRequest,
  response: deleteRecordsResponse,
  minVersion: 0,
  maxVersion: 2,

  handle: (_context, request, services) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) =>
        deleteTo(name, partitionIndex, offset, services),
      ),
    })),
  }),

  refuse: (request, errorCode) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => failed(partitionIndex, errorCode)),
    })),
  }),
})

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
