import { array, type Infer, type Input, int16, int32, message, string, struct, uuid } from '../schema.ts'

export const shareGroupHeartbeatRequest = message(
  { name: 'ShareGroupHeartbeatRequest', key: 76, versions: '1', flexible: '0+' },
  {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    rackId: string({ nullable: '0+', default: null }),
    subscribedTopicNames: array(string(), { nullable: '0+', default: null }),
  },
)
export interface ShareGroupHeartbeatRequest extends Infer<typeof shareGroupHeartbeatRequest> {}
export interface ShareGroupHeartbeatRequestInput extends Input<typeof shareGroupHeartbeatRequest> {}

const topicPartitions = { topicId: uuid(), partitions: array(int32()) }

export const shareGroupHeartbeatResponse = message(
  { name: 'ShareGroupHeartbeatResponse', key: 76, versions: '1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    memberId: string({ nullable: '0+', default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: struct({ topicPartitions: array(topicPartitions) }, { nullable: '0+', default: null }),
  },
)
export interface ShareGroupHeartbeatResponse extends Infer<typeof shareGroupHeartbeatResponse> {}
export interface ShareGroupHeartbeatResponseInput extends Input<typeof shareGroupHeartbeatResponse> {}
