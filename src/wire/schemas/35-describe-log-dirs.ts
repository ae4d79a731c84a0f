import { array, bool, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const describeLogDirsRequest = message(
  { name: 'DescribeLogDirsRequest', key: 35, versions: '0-5', flexible: '2+' },
  {
    topics: array({ topic: string(), partitions: array(int32()) }, { nullable: '0+' }),
  },
)
export interface DescribeLogDirsRequest extends Infer<typeof describeLogDirsRequest> {}
export interface DescribeLogDirsRequestInput extends Input<typeof describeLogDirsRequest> {}

export const describeLogDirsResponse = message(
  { name: 'DescribeLogDirsResponse', key: 35, versions: '0-5', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ versions: '3+', ignorable: true }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64({ versions: '4+', default: -1, ignorable: true }),
      usableBytes: int64({ versions: '4+', default: -1, ignorable: true }),
      isCordoned: bool({ versions: '5+', default: false, ignorable: true }),
    }),
  },
)
export interface DescribeLogDirsResponse extends Infer<typeof describeLogDirsResponse> {}
export interface DescribeLogDirsResponseInput extends Input<typeof describeLogDirsResponse> {}
