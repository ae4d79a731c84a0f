import { array, type Infer, type Input, int8, int16, int32, int64, message, string, uuid } from '../schema.ts'

export const readShareGroupStateRequest = message(
  { name: 'ReadShareGroupStateRequest', key: 84, versions: '0', flexible: '0+' },
  {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({ partition: int32(), leaderEpoch: int32() }),
    }),
  },
)
export interface ReadShareGroupStateRequest extends Infer<typeof readShareGroupStateRequest> {}
export interface ReadShareGroupStateRequestInput extends Input<typeof readShareGroupStateRequest> {}

export const readShareGroupStateResponse = message(
  { name: 'ReadShareGroupStateResponse', key: 84, versions: '0', flexible: '0+' },
  {
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
        stateEpoch: int32(),
        startOffset: int64(),
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
export interface ReadShareGroupStateResponse extends Infer<typeof readShareGroupStateResponse> {}
export interface ReadShareGroupStateResponseInput extends Input<typeof readShareGroupStateResponse> {}
