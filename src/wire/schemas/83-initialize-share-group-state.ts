import { array, type Infer, type Input, int16, int32, int64, message, string, uuid } from '../schema.ts'

export const initializeShareGroupStateRequest = message(
  { name: 'InitializeShareGroupStateRequest', key: 83, versions: '0', flexible: '0+' },
  {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({ partition: int32(), stateEpoch: int32(), startOffset: int64() }),
    }),
  },
)
export interface InitializeShareGroupStateRequest extends Infer<typeof initializeShareGroupStateRequest> {}
export interface InitializeShareGroupStateRequestInput
  extends Input<typeof initializeShareGroupStateRequest> {}

export const initializeShareGroupStateResponse = message(
  { name: 'InitializeShareGroupStateResponse', key: 83, versions: '0', flexible: '0+' },
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
export interface InitializeShareGroupStateResponse extends Infer<typeof initializeShareGroupStateResponse> {}
export interface InitializeShareGroupStateResponseInput
  extends Input<typeof initializeShareGroupStateResponse> {}
