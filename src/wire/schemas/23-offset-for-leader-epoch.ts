import { array, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const offsetForLeaderEpochRequest = message(
  { name: 'OffsetForLeaderEpochRequest', key: 23, versions: '0-4', flexible: '4+' },
  {
    replicaId: int32({ versions: '3+', default: -2, ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ versions: '2+', default: -1, ignorable: true }),
        leaderEpoch: int32(),
      }),
    }),
  },
)
export interface OffsetForLeaderEpochRequest extends Infer<typeof offsetForLeaderEpochRequest> {}
export interface OffsetForLeaderEpochRequestInput extends Input<typeof offsetForLeaderEpochRequest> {}

export const offsetForLeaderEpochResponse = message(
  { name: 'OffsetForLeaderEpochResponse', key: 23, versions: '0-4', flexible: '4+' },
  {
    throttleTimeMs: int32({ versions: '2+', ignorable: true }),
    topics: array({
      topic: string(),
      partitions: array({
        errorCode: int16(),
        partition: int32(),
        leaderEpoch: int32({ versions: '1+', default: -1, ignorable: true }),
        endOffset: int64({ default: -1 }),
      }),
    }),
  },
)
export interface OffsetForLeaderEpochResponse extends Infer<typeof offsetForLeaderEpochResponse> {}
export interface OffsetForLeaderEpochResponseInput extends Input<typeof offsetForLeaderEpochResponse> {}
