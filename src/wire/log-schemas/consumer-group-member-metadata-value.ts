import { array, bytes, type Infer, type Input, int32, message, string, struct } from '../schema.ts'

export const consumerGroupMemberMetadataValue = message(
  { name: 'ConsumerGroupMemberMetadataValue', key: 5, versions: '0', flexible: '0+' },
  {
    instanceId: string({ nullable: '0+' }),
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string({ nullable: '0+' }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    serverAssignor: string({ nullable: '0+' }),
    // Left out it is an empty struct, as in Kafka's class; null, for a member of the new protocol, is written out.
    classicMemberMetadata: struct(
      {
        sessionTimeoutMs: int32(),
        supportedProtocols: array({ name: string(), metadata: bytes() }),
      },
      { nullable: '0+', tag: 0 },
    ),
  },
)
export interface ConsumerGroupMemberMetadataValue extends Infer<typeof consumerGroupMemberMetadataValue> {}
export interface ConsumerGroupMemberMetadataValueInput
  extends Input<typeof consumerGroupMemberMetadataValue> {}
