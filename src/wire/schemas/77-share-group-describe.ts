import {
  array,
  bool,
  type Infer,
  type Input,
  int16,
  int32,
  message,
  string,
  struct,
  uuid,
} from '../schema.ts'

export const shareGroupDescribeRequest = message(
  { name: 'ShareGroupDescribeRequest', key: 77, versions: '1', flexible: '0+' },
  {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
  },
)
export interface ShareGroupDescribeRequest extends Infer<typeof shareGroupDescribeRequest> {}
export interface ShareGroupDescribeRequestInput extends Input<typeof shareGroupDescribeRequest> {}

const topicPartitions = { topicId: uuid(), topicName: string(), partitions: array(int32()) }

const assignment = { topicPartitions: array(topicPartitions) }

export const shareGroupDescribeResponse = message(
  { name: 'ShareGroupDescribeResponse', key: 77, versions: '1', flexible: '0+' },
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
        rackId: string({ nullable: '0+', default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        assignment: struct(assignment),
      }),
      authorizedOperations: int32({ default: -2147483648 }),
    }),
  },
)
export interface ShareGroupDescribeResponse extends Infer<typeof shareGroupDescribeResponse> {}
export interface ShareGroupDescribeResponseInput extends Input<typeof shareGroupDescribeResponse> {}
