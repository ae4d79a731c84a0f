import { array, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const offsetDeleteRequest = message(
  { name: 'OffsetDeleteRequest', key: 47, versions: '0' },
  {
    groupId: string(),
    topics: array({ name: string(), partitions: array({ partitionIndex: int32() }) }),
  },
)
export interface OffsetDeleteRequest extends Infer<typeof offsetDeleteRequest> {}
export interface OffsetDeleteRequestInput extends Input<typeof offsetDeleteRequest> {}

export const offsetDeleteResponse = message(
  { name: 'OffsetDeleteResponse', key: 47, versions: '0' },
  {
    errorCode: int16(),
    throttleTimeMs: int32({ ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
)
export interface OffsetDeleteResponse extends Infer<typeof offsetDeleteResponse> {}
export interface OffsetDeleteResponseInput extends Input<typeof offsetDeleteResponse> {}
