import { array, type Infer, type Input, int32, int64, message, string } from '../schema.ts'

const lastAssignmentConfig = { key: string(), value: string() }

export const streamsGroupMetadataValue = message(
  { name: 'StreamsGroupMetadataValue', key: 17, versions: '0', flexible: '0+' },
  {
    epoch: int32(),
    metadataHash: int64(),
    validatedTopologyEpoch: int32({ tag: 0, default: -1 }),
    // Left out it is the empty list, as in Kafka's class; null is written out.
    lastAssignmentConfigs: array(lastAssignmentConfig, { nullable: '0+', tag: 1 }),
  },
)
export interface StreamsGroupMetadataValue extends Infer<typeof streamsGroupMetadataValue> {}
export interface StreamsGroupMetadataValueInput extends Input<typeof streamsGroupMetadataValue> {}
