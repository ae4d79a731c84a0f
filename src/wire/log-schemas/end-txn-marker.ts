import { type Infer, type Input, int32, message } from '../schema.ts'

export const endTxnMarker = message(
  { name: 'EndTxnMarker', versions: '0' },
  {
    coordinatorEpoch: int32(),
  },
)
export interface EndTxnMarker extends Infer<typeof endTxnMarker> {}
export interface EndTxnMarkerInput extends Input<typeof endTxnMarker> {}
