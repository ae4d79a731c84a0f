import { array, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const alterReplicaLogDirsRequest = message(
  { name: 'AlterReplicaLogDirsRequest', key: 34, versions: '0-2', flexible: '2+' },
  {
    dirs: array({
      path: string(),
      topics: array({ name: string(), partitions: array(int32()) }),
    }),
  },
)
export interface AlterReplicaLogDirsRequest extends Infer<typeof alterReplicaLogDirsRequest> {}
export interface AlterReplicaLogDirsRequestInput extends Input<typeof alterReplicaLogDirsRequest> {}

export const alterReplicaLogDirsResponse = message(
  { name: 'AlterReplicaLogDirsResponse', key: 34, versions: '0-2', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    results: array({
      topicName: string(),
      partitions: array({ partitionIndex: int32(), errorCode: int16() }),
    }),
  },
)
export interface AlterReplicaLogDirsResponse extends Infer<typeof alterReplicaLogDirsResponse> {}
export interface AlterReplicaLogDirsResponseInput extends Input<typeof alterReplicaLogDirsResponse> {}
