import { invariant } from '../../base/invariant.ts'
import { NO_PARTITIONS, type TopicPartitions } from '../assignor/assignor.ts'
import type { Groups } from '../group.ts'
import { ConsumerGroup } from './consumer-group.ts'
import { newMember, withCurrentAssignment, withMetadata, withoutAssignment } from './member.ts'
import type { ConsumerGroupRecord, ConsumerGroupRecordOf } from './records.ts'

/**
 * One record of a consumer group, live or replayed (the `replay` methods of Kafka's `GroupMetadataManager`). What a log
 * holds after compaction may begin in the middle of a group's life: a tombstone of what is not there is nothing.
 */
export function applyConsumerRecord(groups: Groups, record: ConsumerGroupRecord): void {
  if (record.value === null) {
    const group = groups.get(record.groupId)
    // The group may be a classic one by now, or gone.
    if (group?.type === 'consumer') applyTombstone(groups, group, record)
    return
  }
  const group = groupFor(groups, record.groupId)
  switch (record.type) {
    case 'consumerGroupMetadata':
      group.groupEpoch = record.value.epoch
      group.metadataHash = record.value.metadataHash
      return
    case 'consumerGroupPartitionMetadata':
      group.hasPartitionMetadataRecord = true
      return
    case 'consumerGroupMemberMetadata': {
      const member = group.members.get(record.memberId) ?? newMember(record.memberId)
      group.setMember(withMetadata(member, record.value))
      return
    }
    case 'consumerGroupTargetAssignmentMetadata':
      group.setAssignmentEpoch(record.value.assignmentEpoch, record.value.assignmentTimestamp)
      return
    case 'consumerGroupTargetAssignmentMember':
      group.setTarget(record.memberId, targetOf(record.value))
      return
    case 'consumerGroupCurrentMemberAssignment': {
      const member = group.members.get(record.memberId) ?? newMember(record.memberId)
      group.setMember(withCurrentAssignment(member, record.value))
      return
    }
    case 'consumerGroupRegularExpression': {
      const { topics, version, timestamp } = record.value
      group.resolvePattern(record.regularExpression, {
        topics: new Set(topics),
        version,
        timestampMs: timestamp,
      })
      return
    }
    default:
      record satisfies never
  }
}

function applyTombstone(groups: Groups, group: ConsumerGroup, record: ConsumerGroupRecord): void {
  switch (record.type) {
    case 'consumerGroupMetadata':
      groups.delete(group.groupId)
      return
    case 'consumerGroupPartitionMetadata':
      group.hasPartitionMetadataRecord = false
      return
    case 'consumerGroupMemberMetadata':
      group.deleteMember(record.memberId)
      return
    case 'consumerGroupTargetAssignmentMetadata':
      group.deleteAssignmentEpoch()
      return
    case 'consumerGroupTargetAssignmentMember':
      group.deleteTarget(record.memberId)
      return
    case 'consumerGroupCurrentMemberAssignment': {
      const member = group.members.get(record.memberId)
      if (member !== undefined) group.setMember(withoutAssignment(member))
      return
    }
    case 'consumerGroupRegularExpression':
      group.resolvePattern(record.regularExpression, undefined)
      return
    default:
      record satisfies never
  }
}

/** A group that only holds offsets makes room; its offsets are kept apart from it. */
function groupFor(groups: Groups, groupId: string): ConsumerGroup {
  const existing = groups.get(groupId)
  if (existing?.type === 'consumer') return existing
  invariant(
    existing === undefined || existing.protocolType === null,
    `group ${groupId} is no classic group when records of a consumer group follow`,
  )
  const group = new ConsumerGroup(groupId)
  groups.set(groupId, group)
  return group
}

function targetOf(
  value: NonNullable<ConsumerGroupRecordOf<'consumerGroupTargetAssignmentMember'>['value']>,
): TopicPartitions {
  if (value.topicPartitions.length === 0) return NO_PARTITIONS
  return new Map(
    value.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions.toSorted((a, b) => a - b)]),
  )
}
