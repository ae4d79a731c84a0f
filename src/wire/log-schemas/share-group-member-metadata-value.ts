import { array, type Infer, type Input, message, string } from '../schema.ts'

export const shareGroupMemberMetadataValue = message(
  { name: 'ShareGroupMemberMetadataValue', key: 10, versions: '0', flexible: '0+' },
  {
    rackId: string({ nullable: '0+' }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
  },
)
export interface ShareGroupMemberMetadataValue extends Infer<typeof shareGroupMemberMetadataValue> {}
export interface ShareGroupMemberMetadataValueInput extends Input<typeof shareGroupMemberMetadataValue> {}
