import { array, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const describeProducersRequest = message(
  { name: 'DescribeProducersRequest', key: 61, versions: '0', flexible: '0+' },
  {
    topics: array({ name: string(), partitionIndexes: array(int32()) }),
  },
)
export interface DescribeProducersRequest extends Infer<typeof describeProducersRequest> {}
export interface DescribeProducersRequestInput extends Input<typeof describeProducersRequest> {}

export const describeProducersResponse = message(
  { name: 'DescribeProducersResponse', key: 61, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: '0+', default: null }),
        activeProducers: array({
          producerId: int64(),
          producerEpoch: int32(),
          lastSequence: int32({ default: -1 }),
          lastTimestamp: int64({ default: -1 }),
          coordinatorEpoch: int32(),
          currentTxnStartOffset: int64({ default: -1 }),
        }),
      }),
    }),
  },
)
export interface DescribeProducersResponse extends Infer<typeof describeProducersResponse> {}
export interface DescribeProducersResponseInput extends Input<typeof describeProducersResponse> {}
