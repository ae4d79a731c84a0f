import { type Infer, type Input, int32, int64Exact, message } from '../schema.ts'

export const consumerGroupMetadataValue = message(
  { name: 'ConsumerGroupMetadataValue', key: 3, versions: '0', flexible: '0+' },
  {
    epoch: int32(),
    metadataHash: int64Exact({ tag: 0, default: 0n }),
  },
)
export interface ConsumerGroupMetadataValue extends Infer<typeof consumerGroupMetadataValue> {}
export interface ConsumerGroupMetadataValueInput extends Input<typeof consumerGroupMetadataValue> {}
