import { array, type Infer, type Input, int16, int32, message, string, uuid } from '../schema.ts'

export const deleteShareGroupStateRequest = message(
  { name: 'DeleteShareGroupStateRequest', key: 86, versions: '0', flexible: '0+' },
  {
    groupId: string(),
    topics: array({ topicId: uuid(), partitions: array({ partition: int32() }) }),
  },
)
export interface DeleteShareGroupStateRequest extends Infer<typeof deleteShareGroupStateRequest> {}
export interface DeleteShareGroupStateRequestInput extends Input<typeof deleteShareGroupStateRequest> {}

export const deleteShareGroupStateResponse = message(
  { name: 'DeleteShareGroupStateResponse', key: 86, versions: '0', flexible: '0+' },
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
export interface DeleteShareGroupStateResponse extends Infer<typeof deleteShareGroupStateResponse> {}
export interface DeleteShareGroupStateResponseInput extends Input<typeof deleteShareGroupStateResponse> {}
