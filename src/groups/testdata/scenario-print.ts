import { errorName } from '../../wire/error-codes.ts'
import { ZERO_UUID } from '../../wire/schema.ts'
import { subscribedTopicsOf } from '../classic/subscription.ts'
import { parseClassicTimer } from '../classic/timers.ts'
import type { GroupCommand, GroupReplies, GroupReply } from '../commands.ts'
import { MemberState } from '../consumer/member.ts'
import type { ConsumerGroupRecord } from '../consumer/records.ts'
import { parseConsumerTimer } from '../consumer/timers.ts'
import { decodeAssignment } from '../migration/consumer-protocol.ts'
import type { GroupRecord } from '../records.ts'
import { topicNameOf } from './scenario-command.ts'

/** Transcript lines of a scenario: one for each record, reply and timer. */

export function printRecord(record: GroupRecord): string {
  switch (record.type) {
    case 'offsetCommit': {
      const { groupId, topic, partition, value } = record
      const name = `log offset ${groupId} ${topic}-${partition}`
      if (value === null) return `${name} tombstone`
      const fields = [`${value.offset}`]
      if (value.leaderEpoch !== -1) fields.push(`epoch=${value.leaderEpoch}`)
      if (value.metadata !== '') fields.push(`metadata=${value.metadata}`)
      if (value.topicId !== ZERO_UUID) fields.push(`id=${value.topicId}`)
      fields.push(`at=${value.commitTimestamp}`)
      if (value.expireTimestamp !== -1) fields.push(`expires=${value.expireTimestamp}`)
      return `${name} = ${fields.join(' ')}`
    }
    case 'groupMetadata': {
      const { groupId, value } = record
      if (value === null) return `log group ${groupId} tombstone`
      const members = value.members.map((member) => `${member.memberId}=${assignmentText(member.assignment)}`)
      return [
        `log group ${groupId}`,
        `type=${value.protocolType || '-'}`,
        `generation=${value.generation}`,
        `protocol=${value.protocol}`,
        `leader=${value.leader}`,
        `at=${value.currentStateTimestamp}`,
        `[${members.join(' ')}]`,
      ].join(' ')
    }
    default:
      return printConsumerRecord(record)
  }
}

function printConsumerRecord(record: ConsumerGroupRecord): string {
  const { groupId } = record
  switch (record.type) {
    case 'consumerGroupMetadata':
      return `log epoch ${groupId} ${record.value?.epoch ?? 'tombstone'}`
    case 'consumerGroupPartitionMetadata':
      return `log topics ${groupId} ${record.value === null ? 'tombstone' : 'of an old release'}`
    case 'consumerGroupMemberMetadata': {
      const { memberId, value } = record
      if (value === null) return `log member ${groupId} ${memberId} tombstone`
      return [
        `log member ${groupId} ${memberId}`,
        `topics=${value.subscribedTopicNames.join(',') || '-'}`,
        ...optional('regex', value.subscribedTopicRegex),
        ...optional('instance', value.instanceId),
        ...optional('rack', value.rackId),
        ...optional('assignor', value.serverAssignor),
        `rebalance=${value.rebalanceTimeoutMs}`,
        ...(value.classicMemberMetadata === null
          ? []
          : [`session=${value.classicMemberMetadata.sessionTimeoutMs}`]),
      ].join(' ')
    }
    case 'consumerGroupTargetAssignmentMetadata': {
      const { value } = record
      const epoch = value === null ? 'tombstone' : `${value.assignmentEpoch} at=${value.assignmentTimestamp}`
      return `log target-epoch ${groupId} ${epoch}`
    }
    case 'consumerGroupTargetAssignmentMember':
      return `log target ${groupId} ${record.memberId} ${partitions(record.value?.topicPartitions)}`
    case 'consumerGroupCurrentMemberAssignment': {
      const { memberId, value } = record
      if (value === null) return `log current ${groupId} ${memberId} tombstone`
      const state = Object.entries(MemberState).find(([, number]) => number === value.state)?.[0]
      return [
        `log current ${groupId} ${memberId} epoch=${value.previousMemberEpoch}>${value.memberEpoch}`,
        state,
        partitions(value.assignedPartitions),
        ...(value.partitionsPendingRevocation.length === 0
          ? []
          : [`revoking ${partitions(value.partitionsPendingRevocation)}`]),
      ].join(' ')
    }
    case 'consumerGroupRegularExpression': {
      const { regularExpression, value } = record
      const matches = value === null ? 'tombstone' : `[${value.topics.join(' ')}] version=${value.version}`
      return `log pattern ${groupId} ${regularExpression} ${matches}`
    }
    default:
      return record satisfies never
  }
}

/** As consumers write it, or else the bytes. */
function assignmentText(assignment: Buffer): string {
  const decoded = decodeAssignment(assignment)
  if (decoded === undefined) return assignment.toString() || '-'
  const topics = decoded.assignedPartitions.map(({ topic, partitions }) => [topic, ...partitions].join('/'))
  return topics.join('+') || 'nothing'
}

function optional(name: string, value: string | null): string[] {
  return value === null || value === '' ? [] : [`${name}=${value}`]
}

/** Each partition with the epoch since which it is owned, where there is one. */
function partitions(
  topics:
    | readonly {
        readonly topicId: string
        readonly partitions: readonly number[]
        readonly assignmentEpochs?: readonly number[] | null
      }[]
    | undefined,
): string {
  if (topics === undefined) return 'tombstone'
  const each = topics.map(({ topicId, partitions: list, assignmentEpochs }) => {
    const numbers = list.map(
      (partition, i) => `${partition}${assignmentEpochs ? `@${assignmentEpochs[i]}` : ''}`,
    )
    return `${topicNameOf(topicId)}:${numbers.join(',')}`
  })
  return `[${each.join(' ')}]`
}

export function printTimer(key: string, delayMs: number | null): string {
  const timer = parseClassicTimer(key) ?? parseConsumerTimer(key)
  const name =
    timer === undefined ? key : `${timer.kind} ${'memberId' in timer ? timer.memberId : timer.groupId}`
  return `timer ${name} ${delayMs === null ? 'off' : delayMs}`
}

export function printReply(token: number, command: GroupCommand, reply: GroupReply): string {
  const lines = replyText(command, reply)
  return `#${token} ${lines.join('\n   ')}`
}

function replyText(command: GroupCommand, reply: GroupReply): string[] {
  switch (command.type) {
    case 'joinGroup':
      return [join(of('joinGroup', reply))]
    case 'syncGroup': {
      const { errorCode, protocolType, protocolName, assignment } = of('syncGroup', reply)
      const protocol = errorCode === 0 ? ` ${protocolType}/${protocolName}` : ''
      return [`sync ${errorName(errorCode)}${protocol} assignment=${assignmentText(assignment)}`]
    }
    case 'heartbeat':
      return [`heartbeat ${errorName(of('heartbeat', reply).errorCode)}`]
    case 'leaveGroup': {
      const { errorCode, members } = of('leaveGroup', reply)
      const each = (members ?? []).map(
        ({ memberId, groupInstanceId, errorCode: code }) =>
          ` ${memberId || '-'}/${groupInstanceId ?? '-'}=${errorName(code ?? 0)}`,
      )
      return [`leave ${errorName(errorCode)}${each.join('')}`]
    }
    case 'offsetCommit':
    case 'txnOffsetCommit':
      return [
        `commit ${of(command.type, reply)
          .partitions.map(
            ({ topic, partition, errorCode }) => `${topic}-${partition}=${errorName(errorCode)}`,
          )
          .join(' ')}`,
      ]
    case 'offsetFetch': {
      const { errorCode, topics } = of('offsetFetch', reply)
      const each = topics.flatMap(({ topic, partitions }) =>
        partitions.map(
          ({ partitionIndex, committedOffset, committedLeaderEpoch, metadata }) =>
            ` ${topic}-${partitionIndex}=${committedOffset}/${committedLeaderEpoch}/${metadata || '-'}`,
        ),
      )
      return [`fetch ${errorName(errorCode)}${each.join('')}`]
    }
    case 'offsetDelete': {
      const { errorCode, topics } = of('offsetDelete', reply)
      const each = topics.flatMap(({ name, partitions }) =>
        partitions.map(
          ({ partitionIndex, errorCode: code }) => ` ${name}-${partitionIndex}=${errorName(code)}`,
        ),
      )
      return [`offset-delete ${errorName(errorCode)}${each.join('')}`]
    }
    case 'consumerGroupHeartbeat': {
      const answer = of('consumerGroupHeartbeat', reply)
      if (answer.errorCode !== 0) {
        return [
          `beat ${errorName(answer.errorCode)}${answer.errorMessage == null ? '' : ` "${answer.errorMessage}"`}`,
        ]
      }
      const assignment = answer.assignment == null ? '' : ` ${partitions(answer.assignment.topicPartitions)}`
      return [
        `beat ${answer.memberId} epoch=${answer.memberEpoch} every=${answer.heartbeatIntervalMs}${assignment}`,
      ]
    }
    case 'consumerGroupDescribe':
      return of('consumerGroupDescribe', reply).groups.flatMap((group) => [
        [
          `consumer-describe ${group.groupId}`,
          errorName(group.errorCode),
          ...(group.errorMessage == null ? [] : [`"${group.errorMessage}"`]),
          ...(group.errorCode === 0
            ? [group.groupState, `epoch=${group.groupEpoch}/${group.assignmentEpoch}`, group.assignorName]
            : []),
        ].join(' '),
        ...group.members.map((member) =>
          [
            `  ${member.memberId} epoch=${member.memberEpoch}`,
            `topics=${member.subscribedTopicNames.join(',') || '-'}`,
            ...optional('regex', member.subscribedTopicRegex ?? null),
            ...optional('instance', member.instanceId ?? null),
            ...optional('rack', member.rackId ?? null),
            `client=${member.clientId}${member.clientHost}`,
            `type=${member.memberType}`,
            `${partitions(member.assignment.topicPartitions)} of ${partitions(member.targetAssignment.topicPartitions)}`,
          ].join(' '),
        ),
      ])
    case 'describeGroups':
      return of('describeGroups', reply).groups.flatMap((group) => [
        [
          `describe ${group.groupId}`,
          errorName(group.errorCode),
          group.groupState,
          `type=${group.protocolType || '-'}`,
          `protocol=${group.protocolData || '-'}`,
          ...(group.errorMessage == null ? [] : [`"${group.errorMessage}"`]),
        ].join(' '),
        ...group.members.map(
          (member) =>
            `  ${member.memberId} instance=${member.groupInstanceId} client=${member.clientId}${member.clientHost}` +
            ` metadata=${metadata(member.memberMetadata)} assignment=${member.memberAssignment.toString() || '-'}`,
        ),
      ])
    case 'listGroups': {
      const { errorCode, groups } = of('listGroups', reply)
      const each = groups.map(
        ({ groupId, protocolType, groupState, groupType }) =>
          ` ${groupId}/${protocolType || '-'}/${groupState}/${groupType}`,
      )
      return [`list ${errorName(errorCode)}${each.join('')}`]
    }
    case 'deleteGroups':
      return [
        `delete ${of('deleteGroups', reply)
          .results.map(({ groupId, errorCode }) => `${groupId}=${errorName(errorCode)}`)
          .join(' ')}`,
      ]
    case 'topicsDeleted': {
      const { errorCode, deletedOffsets } = of('topicsDeleted', reply)
      return [`topics-deleted ${errorName(errorCode)} offsets=${deletedOffsets}`]
    }
    case 'cleanupExpiredOffsets': {
      const { errorCode, expiredOffsets, deletedGroups } = of('cleanupExpiredOffsets', reply)
      return [`cleanup ${errorName(errorCode)} offsets=${expiredOffsets} groups=${deletedGroups}`]
    }
    default:
      return command satisfies never
  }
}

function join(reply: GroupReplies['joinGroup']): string {
  if (reply.errorCode !== 0) {
    const protocol = reply.protocolName === null ? ' protocol=null' : ''
    return `join ${errorName(reply.errorCode)} member=${reply.memberId || '-'}${protocol}`
  }
  const members = reply.members.map(
    (member) =>
      `${member.memberId}${member.groupInstanceId == null ? '' : `/${member.groupInstanceId}`}:${metadata(member.metadata)}`,
  )
  return [
    `join NONE member=${reply.memberId}`,
    `generation=${reply.generationId}`,
    `${reply.protocolType}/${reply.protocolName}`,
    `leader=${reply.leader}`,
    ...(reply.skipAssignment ? ['skip-assignment'] : []),
    `[${members.join(' ')}]`,
  ].join(' ')
}

function metadata(bytes: Buffer): string {
  return (subscribedTopicsOf(bytes)?.join(',') ?? bytes.toString()) || '-'
}

/** The command's type says which reply it is; the contract of the machine has them as one union. */
function of<T extends keyof GroupReplies>(_type: T, reply: GroupReply): GroupReplies[T] {
  return reply as GroupReplies[T]
}
