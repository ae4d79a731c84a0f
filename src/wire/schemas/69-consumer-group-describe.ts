import {
  array,
  bool,
  type Infer,
  type Input,
  int8,
  int16,
  int32,
  message,
  string,
  struct,
  uuid,
} from '../schema.ts'

export const consumerGroupDescribeRequest = message(
  { name: 'ConsumerGroupDescribeRequest', key: 69, versions: '0-1', flexible: '0+' },
  {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
)
export interface ConsumerGroupDescribeRequest extends Infer<typeof consumerGroupDescribeRequest> {}
export interface ConsumerGroupDescribeRequestInput extends Input<typeof consumerGroupDescribeRequest> {}

const topicPartitions = { topicId: uuid(), topicName: string(), partitions: array(int32()) }

const assignment = { topicPartitions: array(topicPartitions) }

export const consumerGroupDescribeResponse = message(
  { name: 'ConsumerGroupDescribeResponse', key: 69, versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string({ nullable: '0+', default: null }),
        rackId: string({ nullable: '0+', default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string({ nullable: '0+', default: null }),
        assignment: struct(assignment),
        targetAssignment: struct(assignment),
        memberType: int8({ versions: '1+', default: -1, ignorable: true }),
      }),
      authorizedOperations: int32({ default: -2147483648 }),
    }),
  },
)
export interface ConsumerGroupDescribeResponse extends Infer<typeof consumerGroupDescribeResponse> {}
export interface ConsumerGroupDescribeResponseInput extends Input<typeof consumerGroupDescribeResponse> {}
