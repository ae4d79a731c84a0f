import { type Infer, type Input, int16, message } from '../schema.ts'

export const kRaftVersionRecord = message(
  { name: 'KRaftVersionRecord', versions: '0', flexible: '0+' },
  {
    version: int16(),
    kRaftVersion: int16(),
  },
)
export interface KRaftVersionRecord extends Infer<typeof kRaftVersionRecord> {}
export interface KRaftVersionRecordInput extends Input<typeof kRaftVersionRecord> {}
