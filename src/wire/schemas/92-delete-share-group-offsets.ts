import { array, type Infer, type Input, int16, int32, message, string, uuid } from '../schema.ts'

export const deleteShareGroupOffsetsRequest = message(
  { name: 'DeleteShareGroupOffsetsRequest', key: 92, versions: '0', flexible: '0+' },
  {
    groupId: string(),
    topics: array({ topicName: string() }),
  },
)
export interface DeleteShareGroupOffsetsRequest extends Infer<typeof deleteShareGroupOffsetsRequest> {}
export interface DeleteShareGroupOffsetsRequestInput extends Input<typeof deleteShareGroupOffsetsRequest> {}

export const deleteShareGroupOffsetsResponse = message(
  { name: 'DeleteShareGroupOffsetsResponse', key: 92, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
    }),
  },
)
export interface DeleteShareGroupOffsetsResponse extends Infer<typeof deleteShareGroupOffsetsResponse> {}
export interface DeleteShareGroupOffsetsResponseInput extends Input<typeof deleteShareGroupOffsetsResponse> {}
