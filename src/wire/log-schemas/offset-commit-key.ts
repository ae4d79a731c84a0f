import { type Infer, type Input, int32, message, string } from '../schema.ts'

export const offsetCommitKey = message(
  { name: 'OffsetCommitKey', key: 1, versions: '0' },
  {
    group: string({ versions: '0' }),
    topic: string({ versions: '0' }),
    partition: int32({ versions: '0' }),
  },
)
export interface OffsetCommitKey extends Infer<typeof offsetCommitKey> {}
export interface OffsetCommitKeyInput extends Input<typeof offsetCommitKey> {}
