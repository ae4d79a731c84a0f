import { array, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const deleteRecordsRequest = message(
  { name: 'DeleteRecordsRequest', key: 21, versions: '0-2', flexible: '2+' },
  {
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), offset: int64() }),
    }),
    timeoutMs: int32(),
  },
)
export interface DeleteRecordsRequest extends Infer<typeof deleteRecordsRequest> {}
export interface DeleteRecordsRequestInput extends Input<typeof deleteRecordsRequest> {}

export const deleteRecordsResponse = message(
  { name: 'DeleteRecordsResponse', key: 21, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), lowWatermark: int64(), errorCode: int16() }),
    }),
  },
)
export interface DeleteRecordsResponse extends Infer<typeof deleteRecordsResponse> {}
export interface DeleteRecordsResponseInput extends Input<typeof deleteRecordsResponse> {}
