import type { TopicPartitions } from '../assignor/assignor.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './member.ts'
import type { PartitionEpochs } from './partition-epochs.ts'
import type { ConsumerGroupRecord } from './records.ts'
import type { ResolvedPattern } from './subscriptions.ts'

/** The records that a consumer group writes, as Kafka's `GroupCoordinatorRecordHelpers` makes them. */

export function memberMetadataRecord(groupId: string, member: ConsumerMember): ConsumerGroupRecord {
  return {
    type: 'consumerGroupMemberMetadata',
    groupId,
    memberId: member.memberId,
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...member.subscribedTopicNames].sort(),
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata: member.classic,
    },
  }
}

export function groupEpochRecord(groupId: string, epoch: number, metadataHash: bigint): ConsumerGroupRecord {
  return { type: 'consumerGroupMetadata', groupId, value: { epoch, metadataHash } }
}

export function targetRecord(
  groupId: string,
  memberId: string,
  target: TopicPartitions,
): ConsumerGroupRecord {
  return {
    type: 'consumerGroupTargetAssignmentMember',
    groupId,
    memberId,
    value: {
      // Nothing writes to what a record holds.
      topicPartitions: Array.from(target, ([topicId, partitions]) => ({
        topicId,
        partitions: partitions as number[],
      })),
    },
  }
}

export function assignmentEpochRecord(
  groupId: string,
  assignmentEpoch: number,
  assignmentTimestamp: number,
): ConsumerGroupRecord {
  return {
    type: 'consumerGroupTargetAssignmentMetadata',
    groupId,
    value: { assignmentEpoch, assignmentTimestamp },
  }
}

export function currentAssignmentRecord(groupId: string, member: ConsumerMember): ConsumerGroupRecord {
  return {
    type: 'consumerGroupCurrentMemberAssignment',
    groupId,
    memberId: member.memberId,
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      state: member.state,
      assignedPartitions: topicPartitions(member.assigned),
      partitionsPendingRevocation: topicPartitions(member.pendingRevocation),
    },
  }
}

function topicPartitions(partitions: PartitionEpochs) {
  return Array.from(partitions, ([topicId, epochs]) => {
    const sorted = [...epochs].sort(([a], [b]) => a - b)
    return {
      topicId,
      partitions: sorted.map(([partition]) => partition),
      assignmentEpochs: sorted.map(([, epoch]) => epoch),
    }
  })
}

export function resolvedPatternRecord(
  groupId: string,
  pattern: string,
  { topics, version, timestampMs }: ResolvedPattern,
): ConsumerGroupRecord {
  return {
    type: 'consumerGroupRegularExpression',
    groupId,
    regularExpression: pattern,
    value: { topics: [...topics].sort(), version, timestamp: timestampMs },
  }
}

export function patternTombstone(groupId: string, pattern: string): ConsumerGroupRecord {
  return { type: 'consumerGroupRegularExpression', groupId, regularExpression: pattern, value: null }
}

export function partitionMetadataTombstone(groupId: string): ConsumerGroupRecord {
  return { type: 'consumerGroupPartitionMetadata', groupId, value: null }
}

/** What takes a member out of the log. */
export function memberTombstones(groupId: string, memberId: string): ConsumerGroupRecord[] {
  return [
    { type: 'consumerGroupCurrentMemberAssignment', groupId, memberId, value: null },
    { type: 'consumerGroupTargetAssignmentMember', groupId, memberId, value: null },
    { type: 'consumerGroupMemberMetadata', groupId, memberId, value: null },
  ]
}

/**
 * What takes the whole group out of the log, members and all.
 * @param renamed a member that the log has under another id by now
 */
export function groupTombstones(
  group: ConsumerGroup,
  renamed?: { readonly from: string; readonly to: string },
): ConsumerGroupRecord[] {
  const { groupId } = group
  const memberIds = Array.from(group.members.keys(), (id) => (id === renamed?.from ? renamed.to : id))
  return [
    ...memberIds.map(
      (memberId) =>
        ({ type: 'consumerGroupCurrentMemberAssignment', groupId, memberId, value: null }) as const,
    ),
    ...memberIds.map(
      (memberId) =>
        ({ type: 'consumerGroupTargetAssignmentMember', groupId, memberId, value: null }) as const,
    ),
    { type: 'consumerGroupTargetAssignmentMetadata', groupId, value: null },
    ...memberIds.map(
      (memberId) => ({ type: 'consumerGroupMemberMetadata', groupId, memberId, value: null }) as const,
    ),
    ...Array.from(group.subscriptions.resolved.keys(), (pattern) => patternTombstone(groupId, pattern)),
    partitionMetadataTombstone(groupId),
    { type: 'consumerGroupMetadata', groupId, value: null },
  ]
}

/** What writes the whole group into a log that has nothing of it. */
export function groupRecords(group: ConsumerGroup): ConsumerGroupRecord[] {
  const { groupId } = group
  const members = [...group.members.values()]
  return [
    ...members.map((member) => memberMetadataRecord(groupId, member)),
    groupEpochRecord(groupId, group.groupEpoch, group.metadataHash),
    ...members.map(({ memberId }) => targetRecord(groupId, memberId, group.target(memberId))),
    assignmentEpochRecord(groupId, group.assignmentEpoch, group.assignmentTimestampMs),
    ...members.map((member) => currentAssignmentRecord(groupId, member)),
  ]
}
