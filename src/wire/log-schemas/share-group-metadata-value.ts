import { type Infer, type Input, int32, int64Exact, message } from '../schema.ts'

export const shareGroupMetadataValue = message(
  { name: 'ShareGroupMetadataValue', key: 11, versions: '0', flexible: '0+' },
  {
    epoch: int32(),
    metadataHash: int64Exact(),
  },
)
export interface ShareGroupMetadataValue extends Infer<typeof shareGroupMetadataValue> {}
export interface ShareGroupMetadataValueInput extends Input<typeof shareGroupMetadataValue> {}
