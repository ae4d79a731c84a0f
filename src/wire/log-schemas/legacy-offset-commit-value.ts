import { type Infer, type Input, int64, int64Exact, message, string } from '../schema.ts'

export const legacyOffsetCommitValue = message(
  { name: 'LegacyOffsetCommitValue', key: 0, versions: '0' },
  {
    offset: int64Exact({ versions: '0' }),
    metadata: string({ versions: '0' }),
    commitTimestamp: int64({ versions: '0' }),
  },
)
export interface LegacyOffsetCommitValue extends Infer<typeof legacyOffsetCommitValue> {}
export interface LegacyOffsetCommitValueInput extends Input<typeof legacyOffsetCommitValue> {}
