import { array, bool, type Infer, type Input, int8, int16, int32, int64, message, string } from '../schema.ts'

export const writeTxnMarkersRequest = message(
  { name: 'WriteTxnMarkersRequest', key: 27, versions: '0-2', flexible: '1+' },
  {
    markers: array({
      producerId: int64(),
      producerEpoch: int16(),
      transactionResult: bool(),
      topics: array({ name: string(), partitionIndexes: array(int32()) }),
      coordinatorEpoch: int32(),
      transactionVersion: int8({ versions: '2+', default: 0, ignorable: true }),
    }),
  },
)
export interface WriteTxnMarkersRequest extends Infer<typeof writeTxnMarkersRequest> {}
export interface WriteTxnMarkersRequestInput extends Input<typeof writeTxnMarkersRequest> {}

export const writeTxnMarkersResponse = message(
  { name: 'WriteTxnMarkersResponse', key: 27, versions: '0-2', flexible: '1+' },
  {
    markers: array({
      producerId: int64(),
      topics: array({
        name: string(),
        partitions: array({ partitionIndex: int32(), errorCode: int16() }),
      }),
    }),
  },
)
export interface WriteTxnMarkersResponse extends Infer<typeof writeTxnMarkersResponse> {}
export interface WriteTxnMarkersResponseInput extends Input<typeof writeTxnMarkersResponse> {}
