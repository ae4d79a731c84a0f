import { array, type Infer, type Input, int16, int32, int64, message, string, uuid } from '../schema.ts'

export const alterShareGroupOffsetsRequest = message(
  { name: 'AlterShareGroupOffsetsRequest', key: 91, versions: '0', flexible: '0+' },
  {
    groupId: string(),
    topics: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32(), startOffset: int64() }),
    }),
  },
)
export interface AlterShareGroupOffsetsRequest extends Infer<typeof alterShareGroupOffsetsRequest> {}
export interface AlterShareGroupOffsetsRequestInput extends Input<typeof alterShareGroupOffsetsRequest> {}

export const alterShareGroupOffsetsResponse = message(
  { name: 'AlterShareGroupOffsetsResponse', key: 91, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+', default: null }),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
      }),
    }),
  },
)
export interface AlterShareGroupOffsetsResponse extends Infer<typeof alterShareGroupOffsetsResponse> {}
export interface AlterShareGroupOffsetsResponseInput extends Input<typeof alterShareGroupOffsetsResponse> {}
