/**
 * AlterReplicaLogDirs, versions 0–2: moves this broker's replicas to other log directories. Answered when the move has
 * begun; DescribeLogDirs tells how far it is.
 *
 * A partition that is named for two directories goes to the last of them, and is answered once.
 */
import { alterLogDir } from '../cluster/replicas/alter-log-dir.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import {
  type AlterReplicaLogDirsRequest,
  alterReplicaLogDirsRequest,
  alterReplicaLogDirsResponse,
} from '../wire/schemas/34-alter-replica-log-dirs.ts'
import { handler } from './handler.ts'
import type { Services } from './services.ts'

export const alterReplicaLogDirs = handler({
  request: alterReplicaLogDirsRequest,
  response: alterReplicaLogDirsResponse,
  minVersion: 0,
  maxVersion: 2,

  handle: (_context, request, services) =>
    answer(request, (topic, partition, path) => alter(topic, partition, path, services)),

  refuse: (request, errorCode) => answer(request, () => errorCode),
})

function answer(
  { dirs }: AlterReplicaLogDirsRequest,
  errorOf: (topic: string, partition: number, path: string) => number,
) {
  const paths = new Map<string, Map<number, string>>()
  for (const { path, topics } of dirs) {
    for (const { name, partitions } of topics) {
      const wanted = paths.get(name) ?? new Map<number, string>()
      for (const partition of partitions) wanted.set(partition, path)
      if (wanted.size > 0) paths.set(name, wanted)
    }
  }
  return {
    results: Array.from(paths, ([topicName, wanted]) => ({
      topicName,
      partitions: Array.from(wanted, ([partitionIndex, path]) => ({
        partitionIndex,
        errorCode: errorOf(topicName, partitionIndex, path),
      })),
    })),
  }
}

function alter(topic: string, partition: number, path: string, services: Services): number {
  try {
    return alterLogDir(services, topic, partition, path)
  } catch (err) {
    services.limitedLog.warn('a partition is not moved', 'a partition is not moved', () => ({
      topic,
      partition,
      directory: path,
      err,
    }))
    if (err instanceof KafkaError) return err.code
    return err instanceof Error && 'code' in err
      ? ErrorCode.KAFKA_STORAGE_ERROR
      : ErrorCode.UNKNOWN_SERVER_ERROR
  }
}
