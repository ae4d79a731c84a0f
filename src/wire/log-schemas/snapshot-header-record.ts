import { type Infer, type Input, int16, int64, message } from '../schema.ts'

export const snapshotHeaderRecord = message(
  { name: 'SnapshotHeaderRecord', versions: '0', flexible: '0+' },
  {
    version: int16(),
    lastContainedLogTimestamp: int64(),
  },
)
export interface SnapshotHeaderRecord extends Infer<typeof snapshotHeaderRecord> {}
export interface SnapshotHeaderRecordInput extends Input<typeof snapshotHeaderRecord> {}
