import { type Infer, type Input, message, string } from '../schema.ts'

export const streamsGroupTopologyKey = message(
  { name: 'StreamsGroupTopologyKey', key: 23, versions: '0' },
  {
    groupId: string({ versions: '0' }),
  },
)
export interface StreamsGroupTopologyKey extends Infer<typeof streamsGroupTopologyKey> {}
export interface StreamsGroupTopologyKeyInput extends Input<typeof streamsGroupTopologyKey> {}
