import { array, type Infer, type Input, int8, int16, int32, int64, message, string, uuid } from '../schema.ts'

export const writeShareGroupStateRequest = message(
  { name: 'WriteShareGroupStateRequest', key: 85, versions: '0-1', flexible: '0+' },
  {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        stateEpoch: int32(),
        leaderEpoch: int32(),
        startOffset: int64(),
        deliveryCompleteCount: int32({ versions: '1+', default: -1, ignorable: true }),
        stateBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryState: int8(),
          deliveryCount: int16(),
        }),
      }),
    }),
  },
)
export interface WriteShareGroupStateRequest extends Infer<typeof writeShareGroupStateRequest> {}
export interface WriteShareGroupStateRequestInput extends Input<typeof writeShareGroupStateRequest> {}

export const writeShareGroupStateResponse = message(
  { name: 'WriteShareGroupStateResponse', key: 85, versions: '0-1', flexible: '0+' },
  {
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
      }),
    }),
  },
)
export interface WriteShareGroupStateResponse extends Infer<typeof writeShareGroupStateResponse> {}
export interface WriteShareGroupStateResponseInput extends Input<typeof writeShareGroupStateResponse> {}
