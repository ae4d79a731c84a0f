import { type Infer, type Input, int32, int64, int64Exact, message, string, uuid } from '../schema.ts'

export const offsetCommitValue = message(
  { name: 'OffsetCommitValue', key: 1, versions: '0-4', flexible: '4+' },
  {
    offset: int64Exact(),
    leaderEpoch: int32({ versions: '3+', default: -1, ignorable: true }),
    metadata: string(),
    commitTimestamp: int64(),
    expireTimestamp: int64({ versions: '1', default: -1, ignorable: true }),
    topicId: uuid({ versions: '4+', tag: 0, ignorable: true }),
  },
)
export interface OffsetCommitValue extends Infer<typeof offsetCommitValue> {}
export interface OffsetCommitValueInput extends Input<typeof offsetCommitValue> {}
