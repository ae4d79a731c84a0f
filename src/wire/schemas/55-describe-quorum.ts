import {
  array,
  type Infer,
  type Input,
  int16,
  int32,
  int64,
  message,
  string,
  uint16,
  uuid,
} from '../schema.ts'

export const describeQuorumRequest = message(
  { name: 'DescribeQuorumRequest', key: 55, versions: '0-2', flexible: '0+' },
  {
    topics: array({ topicName: string(), partitions: array({ partitionIndex: int32() }) }),
  },
)
export interface DescribeQuorumRequest extends Infer<typeof describeQuorumRequest> {}
export interface DescribeQuorumRequestInput extends Input<typeof describeQuorumRequest> {}

const replicaState = {
  replicaId: int32(),
  replicaDirectoryId: uuid({ versions: '2+' }),
  logEndOffset: int64(),
  lastFetchTimestamp: int64({ versions: '1+', default: -1, ignorable: true }),
  lastCaughtUpTimestamp: int64({ versions: '1+', default: -1, ignorable: true }),
}

export const describeQuorumResponse = message(
  { name: 'DescribeQuorumResponse', key: 55, versions: '0-2', flexible: '0+' },
  {
    errorCode: int16(),
    errorMessage: string({ versions: '2+', nullable: '2+', ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ versions: '2+', nullable: '2+', ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array(replicaState),
        observers: array(replicaState),
      }),
    }),
    nodes: array(
      {
        nodeId: int32({ versions: '2+' }),
        listeners: array(
          {
            name: string({ versions: '2+' }),
            host: string({ versions: '2+' }),
            port: uint16({ versions: '2+' }),
          },
          { versions: '2+' },
        ),
      },
      { versions: '2+' },
    ),
  },
)
export interface DescribeQuorumResponse extends Infer<typeof describeQuorumResponse> {}
export interface DescribeQuorumResponseInput extends Input<typeof describeQuorumResponse> {}
