import { type Infer, type Input, int32, message, string } from '../schema.ts'

export const legacyOffsetCommitKey = message(
  { name: 'LegacyOffsetCommitKey', key: 0, versions: '0' },
  {
    group: string({ versions: '0' }),
    topic: string({ versions: '0' }),
    partition: int32({ versions: '0' }),
  },
)
export interface LegacyOffsetCommitKey extends Infer<typeof legacyOffsetCommitKey> {}
export interface LegacyOffsetCommitKeyInput extends Input<typeof legacyOffsetCommitKey> {}
