import { array, type Infer, type Input, int16, int32, int64, int64Exact, message, string } from '../schema.ts'

export const txnOffsetCommitRequest = message(
  { name: 'TxnOffsetCommitRequest', key: 28, versions: '0-5', flexible: '3+' },
  {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationId: int32({ versions: '3+', default: -1 }),
    memberId: string({ versions: '3+', default: '' }),
    groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64Exact(),
        committedLeaderEpoch: int32({ versions: '2+', default: -1, ignorable: true }),
        committedMetadata: string({ nullable: '0+' }),
      }),
    }),
  },
)
export interface TxnOffsetCommitRequest extends Infer<typeof txnOffsetCommitRequest> {}
export interface TxnOffsetCommitRequestInput extends Input<typeof txnOffsetCommitRequest> {}

export const txnOffsetCommitResponse = message(
  { name: 'TxnOffsetCommitResponse', key: 28, versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
)
export interface TxnOffsetCommitResponse extends Infer<typeof txnOffsetCommitResponse> {}
export interface TxnOffsetCommitResponseInput extends Input<typeof txnOffsetCommitResponse> {}
