import { array, type Infer, type Input, int8, int16, int32, int64, message } from '../schema.ts'

export const shareUpdateValue = message(
  { name: 'ShareUpdateValue', key: 1, versions: '0', flexible: '0+' },
  {
    snapshotEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32({ tag: 0, default: -1 }),
    stateBatches: array({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    }),
  },
)
export interface ShareUpdateValue extends Infer<typeof shareUpdateValue> {}
export interface ShareUpdateValueInput extends Input<typeof shareUpdateValue> {}
