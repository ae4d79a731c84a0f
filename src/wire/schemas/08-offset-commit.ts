import {
  array,
  type Infer,
  type Input,
  int16,
  int32,
  int64,
  int64Exact,
  message,
  string,
  uuid,
} from '../schema.ts'

export const offsetCommitRequest = message(
  { name: 'OffsetCommitRequest', key: 8, versions: '0-10', flexible: '8+' },
  {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ versions: '1+', default: -1, ignorable: true }),
    memberId: string({ versions: '1+', ignorable: true }),
    groupInstanceId: string({ versions: '7+', nullable: '7+', default: null }),
    retentionTimeMs: int64({ versions: '2-4', default: -1, ignorable: true }),
    topics: array({
      name: string({ versions: '0-9', ignorable: true }),
      topicId: uuid({ versions: '10+', ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64Exact(),
        committedLeaderEpoch: int32({ versions: '6+', default: -1, ignorable: true }),
        commitTimestamp: int64({ versions: '1', default: -1 }),
        committedMetadata: string({ nullable: '0+' }),
      }),
    }),
  },
)
export interface OffsetCommitRequest extends Infer<typeof offsetCommitRequest> {}
export interface OffsetCommitRequestInput extends Input<typeof offsetCommitRequest> {}

export const offsetCommitResponse = message(
  { name: 'OffsetCommitResponse', key: 8, versions: '0-10', flexible: '8+' },
  {
    throttleTimeMs: int32({ versions: '3+', ignorable: true }),
    topics: array({
      name: string({ versions: '0-9', ignorable: true }),
      topicId: uuid({ versions: '10+', ignorable: true }),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
)
export interface OffsetCommitResponse extends Infer<typeof offsetCommitResponse> {}
export interface OffsetCommitResponseInput extends Input<typeof offsetCommitResponse> {}
