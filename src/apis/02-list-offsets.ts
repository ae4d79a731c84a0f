/**
 * ListOffsets, versions 0–11.
 *
 * - v0: from before records had timestamps: several offsets, where segments begin that were written to by then.
 * - v2: isolation level; v4: leader epochs; v7: the record with the largest timestamp (-3); v8: the local log's start
 *   (-4); v9: the last tiered offset (-5); v11: the earliest offset waiting to be tiered (-6).
 *
 * A timestamp asks for the first record at or after it. A time of which there is none is answered with offset -1.
 */
import type { HostedPartition } from '../cluster/replicas/hosted-partition.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import {
  type ListOffsetsRequest,
  type ListOffsetsResponseInput,
  listOffsetsRequest,
  listOffsetsResponse,
} from '../wire/schemas/02-list-offsets.ts'
import { handler } from './handler.ts'
import { repeated } from './repeated.ts'
import type { Services } from './services.ts'

type PartitionRequest = ListOffsetsRequest['topics'][number]['partitions'][number]
type PartitionAnswer = ListOffsetsResponseInput['topics'][number]['partitions'][number]

const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6
const READ_COMMITTED = 1
const FIRST_VERSION_WITH_EPOCHS = 4
/** Replica id of a consumer; -2 is a tool that may ask any replica. */
const CONSUMER_REPLICA_ID = -1

const FIRST_VERSION: ReadonlyMap<number, number> = new Map([
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
])

export const listOffsets = handler({
  request: listOffsetsRequest,
  response: listOffsetsResponse,
  minVersion: 0,
  maxVersion: 11,

  async handle(context, request, services) {
    if (context.apiVersion === 0) return { topics: segmentOffsets(request, services) }
    const keyOf = (name: string, { partitionIndex }: PartitionRequest) => `${name}-${partitionIndex}`
    const twice = repeated(
      request.topics.flatMap(({ name, partitions }) => partitions.map((partition) => keyOf(name, partition))),
    )
    const refused = new Set<string>()
    const { slices } = services
    const turn = slices.turn()
    const answer = (name: string, partition: PartitionRequest) => {
      const key = keyOf(name, partition)
      if (!twice.has(key)) return listPartition(context.apiVersion, request, name, partition, services)
      // Answered once, however often it was asked for.
      if (refused.has(key)) return undefined
      refused.add(key)
      return failed(partition, ErrorCode.INVALID_REQUEST)
    }
    const topics = await slices.map(
      request.topics,
      async ({ name, partitions }) => {
        const answers = await slices.map(partitions, (each) => answer(name, each), turn, context.time)
        return { name, partitions: answers.filter((each) => each !== undefined) }
      },
      turn,
      context.time,
    )
    return { topics }
  },

  refuse: (request, errorCode) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) => failed(partition, errorCode)),
    })),
  }),
})

function failed({ partitionIndex }: PartitionRequest, errorCode: number): PartitionAnswer {
  return { partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 }
}

/** Kafka's `Partition.legacyFetchOffsetsForTimestamp`: a partition that is named twice is answered twice. */
function segmentOffsets(request: ListOffsetsRequest, services: Services) {
  return request.topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((wanted): PartitionAnswer => {
      const { partitionIndex, timestamp, maxNumOffsets } = wanted
      if (timestamp < 0 && !isServed(0, timestamp)) return failed(wanted, ErrorCode.UNSUPPORTED_VERSION)
      const partition = services.partitions.get(name, partitionIndex)
      if (partition === undefined) return failed(wanted, services.partitions.missing(name, partitionIndex))
      const errorCode = partition.epochError(wanted.currentLeaderEpoch)
      if (errorCode !== ErrorCode.NONE) return failed(wanted, errorCode)
      const offsets = partition.log.offsetsBefore(timestamp, maxNumOffsets)
      return { partitionIndex, errorCode, oldStyleOffsets: upToHighWatermark(partition, offsets, request) }
    }),
  }))
}

/** A consumer is told the high watermark in place of all that lies above. */
function upToHighWatermark(
  { log }: HostedPartition,
  offsets: readonly number[],
  { replicaId }: ListOffsetsRequest,
): readonly number[] {
  const visible = offsets.filter((offset) => offset <= log.highWatermark)
  return replicaId !== CONSUMER_REPLICA_ID || visible.length === offsets.length
    ? offsets
    : [log.highWatermark, ...visible]
}

async function listPartition(
  version: number,
  request: ListOffsetsRequest,
  topic: string,
  wanted: PartitionRequest,
  services: Services,
): Promise<PartitionAnswer> {
  const { timestamp, partitionIndex } = wanted
  if (timestamp < 0 && !isServed(version, timestamp)) return failed(wanted, ErrorCode.UNSUPPORTED_VERSION)
  const partition = services.partitions.get(topic, partitionIndex)
  if (partition === undefined) return failed(wanted, services.partitions.missing(topic, partitionIndex))
  const epochError = partition.epochError(wanted.currentLeaderEpoch)
  if (epochError !== ErrorCode.NONE) return failed(wanted, epochError)
  try {
    const found = await find(partition, timestamp, request)
    return found === undefined
      ? failed(wanted, ErrorCode.NONE)
      : {
          partitionIndex,
          errorCode: ErrorCode.NONE,
          timestamp: found.timestamp,
          offset: found.offset,
          leaderEpoch: version >= FIRST_VERSION_WITH_EPOCHS ? found.leaderEpoch : -1,
        }
  } catch (error) {
    if (error instanceof KafkaError) return failed(wanted, error.code)
    services.logger.error('offset lookup failed', { topic, partition: partitionIndex, err: error })
    return failed(wanted, ErrorCode.UNKNOWN_SERVER_ERROR)
  }
}

function isServed(version: number, special: number): boolean {
  if (special === LATEST || special === EARLIEST) return true
  const first = FIRST_VERSION.get(special)
  return first !== undefined && version >= first
}

interface Found {
  readonly timestamp: number
  readonly offset: number
  readonly leaderEpoch: number
}

async function find(
  partition: HostedPartition,
  timestamp: number,
  request: ListOffsetsRequest,
): Promise<Found | undefined> {
  const { log } = partition
  const end = endOffset(partition, request)
  switch (timestamp) {
    case LATEST:
      return { timestamp: -1, offset: end, leaderEpoch: partition.leaderEpoch }
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { timestamp: -1, offset: log.logStartOffset, leaderEpoch: log.earliestEpoch() }
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return undefined
    default: {
      const found =
        timestamp === MAX_TIMESTAMP ? await log.maxTimestampOffset() : await log.offsetForTimestamp(timestamp)
      return found !== undefined && found.offset < end ? found : undefined
    }
  }
}

/** Consumers see the log up to its high watermark or its last stable offset, replicas and tools the whole of it. */
function endOffset({ log }: HostedPartition, { replicaId, isolationLevel }: ListOffsetsRequest): number {
  if (replicaId !== CONSUMER_REPLICA_ID) return log.logEndOffset
  return isolationLevel === READ_COMMITTED ? log.lastStableOffset : log.highWatermark
}
