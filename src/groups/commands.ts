import type { JoinGroupRequest, JoinGroupResponseInput } from '../wire/schemas/11-join-group.ts'
import type { HeartbeatRequest, HeartbeatResponseInput } from '../wire/schemas/12-heartbeat.ts'
import type { LeaveGroupRequest, LeaveGroupResponseInput } from '../wire/schemas/13-leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponseInput } from '../wire/schemas/14-sync-group.ts'
import type { DescribeGroupsResponseInput } from '../wire/schemas/15-describe-groups.ts'
import type { ListGroupsRequest, ListGroupsResponseInput } from '../wire/schemas/16-list-groups.ts'
import type { DeleteGroupsResponseInput } from '../wire/schemas/42-delete-groups.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponseInput } from '../wire/schemas/47-offset-delete.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponseInput,
} from '../wire/schemas/68-consumer-group-heartbeat.ts'
import type { ConsumerGroupDescribeResponseInput } from '../wire/schemas/69-consumer-group-describe.ts'

/** What every command that comes from a client knows about its request. */
export interface RequestContext {
  /** Version of the request; the reply has that version's shape. */
  readonly version: number
  readonly clientId: string
  /** As Java prints an address, `/127.0.0.1`: tools show it, and Kafka stores it in the group's record. */
  readonly clientHost: string
}

export interface OffsetToCommit {
  readonly topic: string
  /** Zero uuid when unknown. */
  readonly topicId: string
  readonly partition: number
  readonly offset: bigint
  /** -1 for none. */
  readonly leaderEpoch: number
  readonly metadata: string | null
  /** When it was made by the client's own account (OffsetCommit v1); -1, and left out, for now. */
  readonly commitTimestampMs?: number
}

export interface OffsetCommitResult {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
}

export interface TopicToFetch {
  readonly topic: string
  /** Zero uuid when unknown. An offset committed under another id of the same name is not given out. */
  readonly topicId: string
  readonly partitions: readonly number[]
}

/** One group's part of an OffsetFetch answer; the partitions have the shape of the response. */
export interface FetchedOffsets {
  readonly errorCode: number
  readonly topics: readonly {
    readonly topic: string
    readonly topicId: string
    readonly partitions: readonly FetchedOffset[]
  }[]
}

export interface FetchedOffset {
  readonly partitionIndex: number
  /** -1 when nothing is committed. */
  readonly committedOffset: bigint
  readonly committedLeaderEpoch: number
  readonly metadata: string
  readonly errorCode: number
}

/**
 * Everything that a group machine is asked. Commands name groups of the machine's own partition of
 * `__consumer_offsets` only; authorisation and topics are the API layer's.
 */
export type GroupCommand =
  | {
      readonly type: 'joinGroup'
      readonly request: JoinGroupRequest
      readonly context: RequestContext
      /** A fresh uuid in RFC 4122 form, for the member id that a new member is given. */
      readonly uuid: string
    }
  | { readonly type: 'syncGroup'; readonly request: SyncGroupRequest; readonly context: RequestContext }
  | { readonly type: 'heartbeat'; readonly request: HeartbeatRequest; readonly context: RequestContext }
  | { readonly type: 'leaveGroup'; readonly request: LeaveGroupRequest; readonly context: RequestContext }
  | {
      /** The partitions that the API layer found to exist and be allowed; it answers for the others. */
      readonly type: 'offsetCommit'
      readonly groupId: string
      /** '' for none. */
      readonly memberId: string
      readonly groupInstanceId: string | null
      /** -1 for a commit from outside the group's membership. */
      readonly generationIdOrMemberEpoch: number
      /** -1 for the broker's `offsets.retention.minutes`; only v2-4 carry one. */
      readonly retentionTimeMs: number
      readonly partitions: readonly OffsetToCommit[]
      readonly context: RequestContext
    }
  | {
      /** As `offsetCommit`, within a transaction: the offsets count when it is committed. */
      readonly type: 'txnOffsetCommit'
      readonly groupId: string
      /** '' for none. */
      readonly memberId: string
      readonly groupInstanceId: string | null
      /** -1 for a producer that does not say for whom it commits. */
      readonly generationIdOrMemberEpoch: number
      readonly producerId: number
      readonly producerEpoch: number
      readonly partitions: readonly OffsetToCommit[]
      readonly context: RequestContext
    }
  | {
      readonly type: 'offsetFetch'
      readonly groupId: string
      /** Null for who is no member. */
      readonly memberId: string | null
      /** -1 for who is no member. */
      readonly memberEpoch: number
      /** Null for all that the group has committed. */
      readonly topics: readonly TopicToFetch[] | null
      /** Refuses partitions of which a transaction has an offset pending (KIP-447). */
      readonly requireStable: boolean
    }
  | {
      readonly type: 'consumerGroupHeartbeat'
      readonly request: ConsumerGroupHeartbeatRequest
      readonly context: RequestContext
      /** A fresh uuid in Kafka's form, for a member that brings no id of its own. */
      readonly uuid: string
    }
  | { readonly type: 'consumerGroupDescribe'; readonly groupIds: readonly string[] }
  | { readonly type: 'offsetDelete'; readonly request: OffsetDeleteRequest }
  | {
      readonly type: 'describeGroups'
      readonly groupIds: readonly string[]
      readonly context: RequestContext
    }
  | { readonly type: 'listGroups'; readonly request: ListGroupsRequest }
  | { readonly type: 'deleteGroups'; readonly groupIds: readonly string[] }
  | {
      /** Topics were deleted: their offsets go. */
      readonly type: 'topicsDeleted'
      readonly topics: readonly { readonly name: string; readonly id: string }[]
    }
  /** Drops expired offsets and empty groups now; the machine also does it by its own timer. */
  | { readonly type: 'cleanupExpiredOffsets' }

export type GroupCommandType = GroupCommand['type']

/** What each command is answered with. Refusals are error codes inside these. */
export interface GroupReplies {
  joinGroup: JoinGroupResponseInput
  syncGroup: SyncGroupResponseInput
  heartbeat: HeartbeatResponseInput
  leaveGroup: LeaveGroupResponseInput
  consumerGroupHeartbeat: Omit<ConsumerGroupHeartbeatResponseInput, 'throttleTimeMs'>
  /** In the order of the command's group ids, without authorized operations. */
  consumerGroupDescribe: { readonly groups: ConsumerGroupDescribeResponseInput['groups'] }
  /** In the order of the command's partitions. */
  offsetCommit: { readonly partitions: readonly OffsetCommitResult[] }
  txnOffsetCommit: { readonly partitions: readonly OffsetCommitResult[] }
  offsetFetch: FetchedOffsets
  offsetDelete: Omit<OffsetDeleteResponseInput, 'throttleTimeMs'>
  /** In the order of the command's group ids, without authorized operations. */
  describeGroups: { readonly groups: DescribeGroupsResponseInput['groups'] }
  listGroups: { readonly errorCode: number; readonly groups: ListGroupsResponseInput['groups'] }
  /** In the order of the command's group ids. */
  deleteGroups: { readonly results: DeleteGroupsResponseInput['results'] }
  topicsDeleted: { readonly errorCode: number; readonly deletedOffsets: number }
  cleanupExpiredOffsets: {
    readonly errorCode: number
    readonly expiredOffsets: number
    readonly deletedGroups: number
  }
}

export type GroupReply = GroupReplies[GroupCommandType]

/** The reply to a given command: `GroupReplyTo<{ type: 'joinGroup' … }>` is JoinGroupResponseInput. */
export type GroupReplyTo<C extends GroupCommand> = GroupReplies[C['type']]

export type CommandOf<T extends GroupCommandType> = Extract<GroupCommand, { type: T }>
