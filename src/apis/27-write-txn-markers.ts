/**
 * WriteTxnMarkers, versions 1–2: a coordinator's, or an operator's who ends a transaction that hangs
 * (`kafka-transactions abort`). v2: the version of the protocol.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersResponseInput,
  writeTxnMarkersRequest,
  writeTxnMarkersResponse,
} from '../wire/schemas/27-write-txn-markers.ts'
import { handler } from './handler.ts'

type Marker = WriteTxnMarkersRequest['markers'][number]

export const writeTxnMarkers = handler({
  request: writeTxnMarkersRequest,
  response: writeTxnMarkersResponse,
  minVersion: 1,
  maxVersion: 2,

  async handle(_context, request, { writeMarker }) {
    // Kafka says nothing of a marker for nobody.
    const markers = request.markers.filter(({ topics }) => topics.length > 0)
    const answered = markers.map(({ producerId, transactionResult, topics, ...rest }) => {
      const result = transactionResult ? 'commit' : 'abort'
      const marker = { ...rest, producerId, result } as const
      return answer({ producerId, topics }, (topic, partition) => writeMarker(topic, partition, marker))
    })
    return { markers: await Promise.all(answered) }
  },

  refuse: (request, errorCode) => ({
    markers: request.markers.map(({ producerId, topics }) => ({
      producerId,
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode })),
      })),
    })),
  }),
})

async function answer(
  { producerId, topics }: Pick<Marker, 'producerId' | 'topics'>,
  write: (topic: string, partition: number) => Promise<number>,
): Promise<NonNullable<WriteTxnMarkersResponseInput['markers']>[number]> {
  const answered = topics.map(async ({ name, partitionIndexes }) => {
    const partitions = partitionIndexes.map(async (partitionIndex) => {
      const errorCode = await write(name, partitionIndex)
      // The broker that sends it understands this one, and comes again.
      const isLoading = errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
      return { partitionIndex, errorCode: isLoading ? ErrorCode.NOT_LEADER_OR_FOLLOWER : errorCode }
    })
    return { name, partitions: await Promise.all(partitions) }
  })
  return { producerId, topics: await Promise.all(answered) }
}
