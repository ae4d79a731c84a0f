import { type Infer, type Input, int16, message } from '../schema.ts'

export const snapshotFooterRecord = message(
  { name: 'SnapshotFooterRecord', versions: '0', flexible: '0+' },
  {
    version: int16(),
  },
)
export interface SnapshotFooterRecord extends Infer<typeof snapshotFooterRecord> {}
export interface SnapshotFooterRecordInput extends Input<typeof snapshotFooterRecord> {}
