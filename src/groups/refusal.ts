import { defaultErrorMessage, ErrorCode } from '../wire/error-codes.ts'
import { joinRefusal, syncRefusal } from './classic/answers.ts'
import type { GroupCommand, GroupReply } from './commands.ts'
import { refusedConsumerGroup } from './consumer/describe.ts'
import { heartbeatRefusal } from './consumer/heartbeat.ts'

/**
 * The error that a client of a coordinator understands for one of a write to the log: it looks for the coordinator
 * again, or gives up (Kafka's `CoordinatorOperationExceptionHelper`). Other codes stay as they are.
 */
export function appendErrorToReplyError(errorCode: number): number {
  switch (errorCode) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.UNKNOWN_SERVER_ERROR
    default:
      return errorCode
  }
}

/** The answer to a command that could not be served at all, with the error where its client looks for it. */
export function refusalOf(command: GroupCommand, error: number): GroupReply {
  const errorCode = appendErrorToReplyError(error)
  switch (command.type) {
    case 'joinGroup':
      return joinRefusal(errorCode, command.request.memberId, command.context.version)
    case 'syncGroup':
      return syncRefusal(errorCode)
    case 'heartbeat':
    case 'leaveGroup':
      return { errorCode }
    case 'consumerGroupHeartbeat':
      return heartbeatRefusal(errorCode, defaultErrorMessage(errorCode))
    case 'consumerGroupDescribe':
      return { groups: command.groupIds.map((groupId) => refusedConsumerGroup(groupId, errorCode)) }
    case 'offsetCommit':
    case 'txnOffsetCommit':
      return {
        partitions: command.partitions.map(({ topic, topicId, partition }) => ({
          topic,
          topicId,
          partition,
          errorCode,
        })),
      }
    case 'offsetFetch':
      return { errorCode, topics: [] }
    case 'offsetDelete':
      return { errorCode, topics: [] }
    case 'describeGroups':
      return {
        groups: command.groupIds.map((groupId) => ({
          errorCode,
          groupId,
          groupState: '',
          protocolType: '',
          protocolData: '',
          members: [],
        })),
      }
    case 'listGroups':
      return { errorCode, groups: [] }
    case 'deleteGroups':
      return { results: command.groupIds.map((groupId) => ({ groupId, errorCode })) }
    case 'topicsDeleted':
      return { errorCode, deletedOffsets: 0 }
    case 'cleanupExpiredOffsets':
      return { errorCode, expiredOffsets: 0, deletedGroups: 0 }
    default:
      return command satisfies never
  }
}
