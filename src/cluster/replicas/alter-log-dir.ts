import { canHaveFuture } from '../../logstore/file-names.ts'
import type { LogDirectories } from '../../logstore/log-directories.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import type { LogMoves } from './log-moves.ts'
import type { PartitionHost } from './partition-host.ts'

export interface LogDirParts {
  readonly logs: LogDirectories
  readonly moves: LogMoves
  readonly partitions: PartitionHost
}

/**
 * Has a replica moved to the log directory of this path; NONE, or why not. What this broker has not yet is put there
 * when it gets it, and refused all the same (Kafka's `ReplicaManager.alterReplicaLogDirs`). Throws KafkaError.
 */
export function alterLogDir(parts: LogDirParts, topic: string, partition: number, path: string): number {
  const { logs, moves, partitions } = parts
  if (!canHaveFuture(topic, partition)) return ErrorCode.INVALID_TOPIC_EXCEPTION
  const directory = logs.byPath(path)
  if (directory === 'unknown') return ErrorCode.LOG_DIR_NOT_FOUND
  if (directory === 'offline') return ErrorCode.KAFKA_STORAGE_ERROR
  if (logs.isCordoned(path)) return ErrorCode.INVALID_REPLICA_ASSIGNMENT
  const hosted = partitions.get(topic, partition)
  if (hosted !== undefined) {
    moves.move(hosted, directory)
    return ErrorCode.NONE
  }
  const errorCode = partitions.missing(topic, partition)
  if (errorCode === ErrorCode.KAFKA_STORAGE_ERROR) return errorCode
  logs.prefer(topic, partition, directory)
  // Of a partition that other brokers hold; the answer is older than NOT_LEADER_OR_FOLLOWER.
  return errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER ? ErrorCode.REPLICA_NOT_AVAILABLE : errorCode
}
