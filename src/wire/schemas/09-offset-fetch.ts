import {
  array,
  bool,
  type Infer,
  type Input,
  int16,
  int32,
  int64Exact,
  message,
  string,
  uuid,
} from '../schema.ts'

export const offsetFetchRequest = message(
  { name: 'OffsetFetchRequest', key: 9, versions: '0-10', flexible: '6+' },
  {
    groupId: string({ versions: '0-7' }),
    topics: array(
      {
        name: string({ versions: '0-7' }),
        partitionIndexes: array(int32(), { versions: '0-7' }),
      },
      { versions: '0-7', nullable: '2-7' },
    ),
    groups: array(
      {
        groupId: string({ versions: '8+' }),
        memberId: string({ versions: '9+', nullable: '9+', default: null, ignorable: true }),
        memberEpoch: int32({ versions: '9+', default: -1, ignorable: true }),
        topics: array(
          {
            name: string({ versions: '8-9', ignorable: true }),
            topicId: uuid({ versions: '10+', ignorable: true }),
            partitionIndexes: array(int32(), { versions: '8+' }),
          },
          { versions: '8+', nullable: '8+' },
        ),
      },
      { versions: '8+' },
    ),
    requireStable: bool({ versions: '7+', default: false }),
  },
)
export interface OffsetFetchRequest extends Infer<typeof offsetFetchRequest> {}
export interface OffsetFetchRequestInput extends Input<typeof offsetFetchRequest> {}

export const offsetFetchResponse = message(
  { name: 'OffsetFetchResponse', key: 9, versions: '0-10', flexible: '6+' },
  {
    throttleTimeMs: int32({ versions: '3+', ignorable: true }),
    topics: array(
      {
        name: string({ versions: '0-7' }),
        partitions: array(
          {
            partitionIndex: int32({ versions: '0-7' }),
            committedOffset: int64Exact({ versions: '0-7' }),
            committedLeaderEpoch: int32({ versions: '5-7', default: -1, ignorable: true }),
            metadata: string({ versions: '0-7', nullable: '0-7' }),
            errorCode: int16({ versions: '0-7' }),
          },
          { versions: '0-7' },
        ),
      },
      { versions: '0-7' },
    ),
    errorCode: int16({ versions: '2-7', default: 0, ignorable: true }),
    groups: array(
      {
        groupId: string({ versions: '8+' }),
        topics: array(
          {
            name: string({ versions: '8-9', ignorable: true }),
            topicId: uuid({ versions: '10+', ignorable: true }),
            partitions: array(
              {
                partitionIndex: int32({ versions: '8+' }),
                committedOffset: int64Exact({ versions: '8+' }),
                committedLeaderEpoch: int32({ versions: '8+', default: -1, ignorable: true }),
                metadata: string({ versions: '8+', nullable: '8+' }),
                errorCode: int16({ versions: '8+' }),
              },
              { versions: '8+' },
            ),
          },
          { versions: '8+' },
        ),
        errorCode: int16({ versions: '8+', default: 0 }),
      },
      { versions: '8+' },
    ),
  },
)
export interface OffsetFetchResponse extends Infer<typeof offsetFetchResponse> {}
export interface OffsetFetchResponseInput extends Input<typeof offsetFetchResponse> {}
