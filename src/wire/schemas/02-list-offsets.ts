import { array, type Infer, type Input, int8, int16, int32, int64, message, string } from '../schema.ts'

export const listOffsetsRequest = message(
  { name: 'ListOffsetsRequest', key: 2, versions: '0-11', flexible: '6+' },
  {
    replicaId: int32(),
    isolationLevel: int8({ versions: '2+' }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ versions: '4+', default: -1, ignorable: true }),
        timestamp: int64(),
        maxNumOffsets: int32({ versions: '0', default: 1 }),
      }),
    }),
    timeoutMs: int32({ versions: '10+', ignorable: true }),
  },
)
export interface ListOffsetsRequest extends Infer<typeof listOffsetsRequest> {}
export interface ListOffsetsRequestInput extends Input<typeof listOffsetsRequest> {}

export const listOffsetsResponse = message(
  { name: 'ListOffsetsResponse', key: 2, versions: '0-11', flexible: '6+' },
  {
    throttleTimeMs: int32({ versions: '2+', ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        oldStyleOffsets: array(int64(), { versions: '0' }),
        timestamp: int64({ versions: '1+', default: -1 }),
        offset: int64({ versions: '1+', default: -1 }),
        leaderEpoch: int32({ versions: '4+', default: -1 }),
      }),
    }),
  },
)
export interface ListOffsetsResponse extends Infer<typeof listOffsetsResponse> {}
export interface ListOffsetsResponseInput extends Input<typeof listOffsetsResponse> {}
