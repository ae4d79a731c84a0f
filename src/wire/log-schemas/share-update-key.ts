import { type Infer, type Input, int32, message, string, uuid } from '../schema.ts'

export const shareUpdateKey = message(
  { name: 'ShareUpdateKey', key: 1, versions: '0' },
  {
    groupId: string({ versions: '0' }),
    topicId: uuid({ versions: '0' }),
    partition: int32({ versions: '0' }),
  },
)
export interface ShareUpdateKey extends Infer<typeof shareUpdateKey> {}
export interface ShareUpdateKeyInput extends Input<typeof shareUpdateKey> {}
