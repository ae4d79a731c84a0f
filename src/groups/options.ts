import type { PartitionAssignor } from './assignor/assignor.ts'
import type { MigrationPolicy } from './migration/policy.ts'

/** The broker keys that group coordination acts on, in milliseconds and bytes. */
export interface GroupOptions {
  /** group.min.session.timeout.ms */
  readonly minSessionTimeoutMs: number
  /** group.max.session.timeout.ms */
  readonly maxSessionTimeoutMs: number
  /** group.initial.rebalance.delay.ms */
  readonly initialRebalanceDelayMs: number
  /** group.max.size */
  readonly maxSize: number
  /** offset.metadata.max.bytes, compared with UTF-16 units as Kafka does. */
  readonly offsetMetadataMaxBytes: number
  /** offsets.retention.minutes */
  readonly offsetsRetentionMs: number
  /** offsets.retention.check.interval.ms */
  readonly offsetsRetentionCheckIntervalMs: number
  readonly consumer: ConsumerGroupOptions
}

/** What consumer groups act on. */
export interface ConsumerGroupOptions {
  /** group.consumer.max.size */
  readonly maxSize: number
  /** group.consumer.assignors; the first is the default. */
  readonly assignors: readonly PartitionAssignor[]
  /** group.consumer.migration.policy */
  readonly migrationPolicy: MigrationPolicy
  /** The settings of a group in force now: its own over the broker's. */
  readonly groupSettings: (groupId: string) => ConsumerGroupSettings
}

/** Milliseconds. */
export interface ConsumerGroupSettings {
  /** consumer.session.timeout.ms */
  readonly sessionTimeoutMs: number
  /** consumer.heartbeat.interval.ms */
  readonly heartbeatIntervalMs: number
  /** consumer.assignment.interval.ms */
  readonly assignmentIntervalMs: number
}

/**
 * How long a new member's parked JoinGroup keeps it in the group. It has no member id to heartbeat with and the
 * coordinator is not told of closed connections, so that a member whose client retries and gave up would otherwise
 * stay (Kafka's `CLASSIC_GROUP_NEW_MEMBER_JOIN_TIMEOUT_MS`, no configuration).
 */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60_000
