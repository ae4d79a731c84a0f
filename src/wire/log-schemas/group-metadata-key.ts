import { type Infer, type Input, message, string } from '../schema.ts'

export const groupMetadataKey = message(
  { name: 'GroupMetadataKey', key: 2, versions: '0' },
  {
    group: string({ versions: '0' }),
  },
)
export interface GroupMetadataKey extends Infer<typeof groupMetadataKey> {}
export interface GroupMetadataKeyInput extends Input<typeof groupMetadataKey> {}
