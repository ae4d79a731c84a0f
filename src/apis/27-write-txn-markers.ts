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

type InTurns = <T, R>(items: readonly T[], each: (item: T) => R | Promise<R>) => Promise<R[]>
type Marker = WriteTxnMarkersRequest['markers'][number]

export const writeTxnMarkers = handler({
  request: writeTxnMarkersRequest,
  response: writeTxnMarkersResponse,
  minVersion: 1,
  maxVersion: 2,

  async handle({ time }, request, { slices, writeMarker }) {
    const turn = slices.turn()
    const inTurns: InTurns = (items, each) => slices.map(items, each, turn, time)
    // Kafka says nothing of a marker for nobody.
    const markers = request.markers.filter(({ topics }) => topics.length > 0)
    const answered = inTurns(markers, ({ producerId, transactionResult, topics, ...rest }) => {
      const result = transactionResult ? 'commit' : 'abort'
      const marker = { ...rest, producerId, result } as const
      const write = (topic: string, partition: number) => writeMarker(topic, partition, marker)
      return answer({ producerId, topics }, write, inTurns)
    })
    return { markers: await answered }
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
  inTurns: InTurns,
): Promise<NonNullable<WriteTxnMarkersResponseInput['markers']>[number]> {
  const answered = inTurns(topics, async ({ name, partitionIndexes }) => {
    const partitions = inTurns(partitionIndexes, async (partitionIndex) => {
      const errorCode = await write(name, partitionIndex)
      // The broker that sends it understands this one, and comes again.
      const isLoading = errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
      return { partitionIndex, errorCode: isLoading ? ErrorCode.NOT_LEADER_OR_FOLLOWER : errorCode }
    })
    return { name, partitions: await partitions }
  })
  return { producerId, topics: await answered }
}
