import { array, type Infer, type Input, int16, int32, int64, message, string, uuid } from '../schema.ts'

export const describeShareGroupOffsetsRequest = message(
  { name: 'DescribeShareGroupOffsetsRequest', key: 90, versions: '0-1', flexible: '0+' },
  {
    groups: array({
      groupId: string(),
      topics: array({ topicName: string(), partitions: array(int32()) }, { nullable: '0+' }),
    }),
  },
)
export interface DescribeShareGroupOffsetsRequest extends Infer<typeof describeShareGroupOffsetsRequest> {}
export interface DescribeShareGroupOffsetsRequestInput
  extends Input<typeof describeShareGroupOffsetsRequest> {}

export const describeShareGroupOffsetsResponse = message(
  { name: 'DescribeShareGroupOffsetsResponse', key: 90, versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    groups: array({
      groupId: string(),
      topics: array({
        topicName: string(),
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
          startOffset: int64(),
          leaderEpoch: int32(),
          lag: int64({ versions: '1+', default: -1, ignorable: true }),
          errorCode: int16(),
          errorMessage: string({ nullable: '0+', default: null }),
        }),
      }),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
    }),
  },
)
export interface DescribeShareGroupOffsetsResponse extends Infer<typeof describeShareGroupOffsetsResponse> {}
export interface DescribeShareGroupOffsetsResponseInput
  extends Input<typeof describeShareGroupOffsetsResponse> {}
