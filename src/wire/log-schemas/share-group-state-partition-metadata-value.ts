import { array, type Infer, type Input, int32, message, string, uuid } from '../schema.ts'

const topicPartitionsInfo = { topicId: uuid(), topicName: string(), partitions: array(int32()) }

const topicInfo = { topicId: uuid(), topicName: string() }

export const shareGroupStatePartitionMetadataValue = message(
  { name: 'ShareGroupStatePartitionMetadataValue', key: 15, versions: '0', flexible: '0+' },
  {
    initializingTopics: array(topicPartitionsInfo),
    initializedTopics: array(topicPartitionsInfo),
    deletingTopics: array(topicInfo),
  },
)
export interface ShareGroupStatePartitionMetadataValue
  extends Infer<typeof shareGroupStatePartitionMetadataValue> {}
export interface ShareGroupStatePartitionMetadataValueInput
  extends Input<typeof shareGroupStatePartitionMetadataValue> {}
