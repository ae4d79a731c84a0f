import { array, type Infer, type Input, int8, int16, int32, int64, message } from '../schema.ts'

export const shareSnapshotValue = message(
  { name: 'ShareSnapshotValue', key: 0, versions: '0', flexible: '0+' },
  {
    snapshotEpoch: int32(),
    stateEpoch: int32(),
    leaderEpoch: int32(),
    startOffset: int64(),
    deliveryCompleteCount: int32({ tag: 0, default: -1 }),
    createTimestamp: int64(),
    writeTimestamp: int64(),
    stateBatches: array({
      firstOffset: int64(),
      lastOffset: int64(),
      deliveryState: int8(),
      deliveryCount: int16(),
    }),
  },
)
export interface ShareSnapshotValue extends Infer<typeof shareSnapshotValue> {}
export interface ShareSnapshotValueInput extends Input<typeof shareSnapshotValue> {}
