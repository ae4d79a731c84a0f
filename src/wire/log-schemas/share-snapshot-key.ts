import { type Infer, type Input, int32, message, string, uuid } from '../schema.ts'

export const shareSnapshotKey = message(
  { name: 'ShareSnapshotKey', key: 0, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    topicId: uuid({ versions: '0' }),
    partition: int32({ versions: '0' }),
  },
)
export interface ShareSnapshotKey extends Infer<typeof shareSnapshotKey> {}
export interface ShareSnapshotKeyInput extends Input<typeof shareSnapshotKey> {}
