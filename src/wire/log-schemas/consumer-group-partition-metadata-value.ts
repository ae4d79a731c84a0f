import { array, type Infer, type Input, int32, message, string, uuid } from '../schema.ts'

export const consumerGroupPartitionMetadataValue = message(
  { name: 'ConsumerGroupPartitionMetadataValue', key: 4, versions: '0', flexible: '0+' },
  {
    topics: array({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array({ partition: int32(), racks: array(string()) }),
    }),
  },
)
export interface ConsumerGroupPartitionMetadataValue
  extends Infer<typeof consumerGroupPartitionMetadataValue> {}
export interface ConsumerGroupPartitionMetadataValueInput
  extends Input<typeof consumerGroupPartitionMetadataValue> {}
