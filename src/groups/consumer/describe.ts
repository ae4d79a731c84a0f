import type { MetadataImage } from '../../cluster/metadata/image.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import type { ConsumerGroupDescribeResponseInput } from '../../wire/schemas/69-consumer-group-describe.ts'
import type { PartitionAssignor, TopicPartitions } from '../assignor/assignor.ts'
import type { Group } from '../group.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './member.ts'
import { preferredAssignor } from './target-assignment.ts'

export type DescribedConsumerGroup = ConsumerGroupDescribeResponseInput['groups'][number]
type DescribedMember = DescribedConsumerGroup['members'][number]
type DescribedPartitions = DescribedMember['assignment']['topicPartitions']

/** The kinds of members that ConsumerGroupDescribe v1 tells apart. */
const CLASSIC_MEMBER = 0
const CONSUMER_MEMBER = 1

/** ConsumerGroupDescribe of one group, authorized operations left out. */
export function describeConsumerGroup(
  groupId: string,
  group: Group | undefined,
  assignors: readonly PartitionAssignor[],
  image: MetadataImage,
): DescribedConsumerGroup {
  if (group?.type !== 'consumer') {
    const message =
      group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`
    return refusedConsumerGroup(groupId, ErrorCode.GROUP_ID_NOT_FOUND, message)
  }
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: preferredAssignor(group, assignors).name,
    members: Array.from(group.members.values(), (member) => describeMember(group, member, image)),
  }
}

export function refusedConsumerGroup(
  groupId: string,
  errorCode: number,
  errorMessage: string | null = null,
): DescribedConsumerGroup {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }
}

function describeMember(group: ConsumerGroup, member: ConsumerMember, image: MetadataImage): DescribedMember {
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.memberEpoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames],
    subscribedTopicRegex: member.subscribedTopicRegex,
    assignment: { topicPartitions: named(allOf(member), image) },
    targetAssignment: { topicPartitions: named(group.target(member.memberId), image) },
    memberType: member.classic === null ? CONSUMER_MEMBER : CLASSIC_MEMBER,
  }
}

/** What the member owns, and what it has yet to give up. */
function allOf({ assigned, pendingRevocation }: ConsumerMember): TopicPartitions {
  const all = new Map<string, number[]>()
  for (const partitions of [assigned, pendingRevocation]) {
    for (const [topicId, epochs] of partitions) {
      all.set(
        topicId,
        [...(all.get(topicId) ?? []), ...epochs.keys()].sort((a, b) => a - b),
      )
    }
  }
  return all
}

/** Topics that are gone have no name and are left out. */
function named(partitions: TopicPartitions, image: MetadataImage): DescribedPartitions {
  return Array.from(partitions).flatMap(([topicId, list]) => {
    const topicName = image.topicsById.get(topicId)?.name
    return topicName === undefined ? [] : [{ topicId, topicName, partitions: [...list] }]
  })
}
