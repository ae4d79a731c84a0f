/**
 * DescribeLogDirs, versions 0–5: the log directories, and of each the logs in it with their sizes, for the partitions
 * named or for all. A copy that a move is making stands beside its log, with how far it is behind.
 *
 * - v3: an error for the answer as a whole; v4: the space of the volume; v5: whether new partitions keep out of it.
 */
import type { DescribedDirectory } from '../logstore/log-directories.ts'
import type { PartitionLog } from '../logstore/partition-log.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponseInput,
  describeLogDirsRequest,
  describeLogDirsResponse,
} from '../wire/schemas/35-describe-log-dirs.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

type DirectoryAnswer = DescribeLogDirsResponseInput['results'][number]
type PartitionAnswer = DirectoryAnswer['topics'][number]['partitions'][number]

/** Of a log whose partition is not held here. */
const INVALID_LAG = -1

export const describeLogDirs = handler({
  request: describeLogDirsRequest,
  response: describeLogDirsResponse,
  minVersion: 0,
  maxVersion: 5,

  async handle(_context, request, services) {
    await services.partitions.allOpened()
    const wanted = wantedPartitions(request)
    return {
      errorCode: ErrorCode.NONE,
      results: services.logs.describe().map((directory) => describe(directory, wanted, services)),
    }
  },

  refuse: (_request, errorCode) => ({ errorCode, results: [] }),
})

/** Undefined for all. */
function wantedPartitions({ topics }: DescribeLogDirsRequest): Map<string, Set<number>> | undefined {
  if (topics === null) return undefined
  const wanted = new Map<string, Set<number>>()
  for (const { topic, partitions } of topics)
    wanted.set(topic, new Set([...(wanted.get(topic) ?? []), ...partitions]))
  return wanted
}

function describe(
  described: DescribedDirectory,
  wanted: ReadonlyMap<string, ReadonlySet<number>> | undefined,
  services: Services,
): DirectoryAnswer {
  const { path, directory } = described
  if (directory === undefined) return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logDir: path, topics: [] }
  const topics = new Map<string, PartitionAnswer[]>()
  const add = (log: PartitionLog, isFutureKey: boolean): void => {
    if (wanted !== undefined && wanted.get(log.topic)?.has(log.partition) !== true) return
    const partitions = topics.get(log.topic) ?? []
    topics.set(log.topic, partitions)
    partitions.push({
      partitionIndex: log.partition,
      partitionSize: log.size,
      offsetLag: offsetLag(log, isFutureKey, services),
      isFutureKey,
    })
  }
  for (const log of directory.logs) add(log, false)
  for (const log of directory.futures) add(log, true)
  return {
    errorCode: ErrorCode.NONE,
    logDir: path,
    topics: Array.from(topics, ([name, partitions]) => ({ name, partitions })),
    totalBytes: described.space.totalBytes,
    usableBytes: described.space.usableBytes,
    isCordoned: described.isCordoned,
  }
}

/** Kafka's `ReplicaManager.getLogEndOffsetLag`. */
function offsetLag(log: PartitionLog, isFuture: boolean, services: Services): number {
  const current = services.partitions.get(log.topic, log.partition)?.log
  if (current === undefined) return INVALID_LAG
  return isFuture
    ? current.logEndOffset - log.logEndOffset
    : Math.max(current.highWatermark - log.logEndOffset, 0)
}
