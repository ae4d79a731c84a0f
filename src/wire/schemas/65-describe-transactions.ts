import { array, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const describeTransactionsRequest = message(
  { name: 'DescribeTransactionsRequest', key: 65, versions: '0', flexible: '0+' },
  {
    transactionalIds: array(string()),
  },
)
export interface DescribeTransactionsRequest extends Infer<typeof describeTransactionsRequest> {}
export interface DescribeTransactionsRequestInput extends Input<typeof describeTransactionsRequest> {}

export const describeTransactionsResponse = message(
  { name: 'DescribeTransactionsResponse', key: 65, versions: '0', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    transactionStates: array({
      errorCode: int16(),
      transactionalId: string(),
      transactionState: string(),
      transactionTimeoutMs: int32(),
      transactionStartTimeMs: int64(),
      producerId: int64(),
      producerEpoch: int16(),
      topics: array({ topic: string(), partitions: array(int32()) }),
    }),
  },
)
export interface DescribeTransactionsResponse extends Infer<typeof describeTransactionsResponse> {}
export interface DescribeTransactionsResponseInput extends Input<typeof describeTransactionsResponse> {}
