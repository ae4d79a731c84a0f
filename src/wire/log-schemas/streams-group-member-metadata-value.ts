import { array, type Infer, type Input, int32, message, string, struct, uint16 } from '../schema.ts'

const endpoint = { host: string(), port: uint16() }

const keyValue = { key: string(), value: string() }

export const streamsGroupMemberMetadataValue = message(
  { name: 'StreamsGroupMemberMetadataValue', key: 19, versions: '0', flexible: '0+' },
  {
    instanceId: string({ nullable: '0+' }),
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32({ default: -1 }),
    topologyEpoch: int32(),
    processId: string(),
    userEndpoint: struct(endpoint, { nullable: '0+', default: null }),
    clientTags: array(keyValue),
  },
)
export interface StreamsGroupMemberMetadataValue extends Infer<typeof streamsGroupMemberMetadataValue> {}
export interface StreamsGroupMemberMetadataValueInput extends Input<typeof streamsGroupMemberMetadataValue> {}
