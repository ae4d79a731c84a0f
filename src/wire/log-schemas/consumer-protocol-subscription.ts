import { array, bytes, type Infer, type Input, int32, message, string } from '../schema.ts'

export const consumerProtocolSubscription = message(
  { name: 'ConsumerProtocolSubscription', versions: '0-3' },
  {
    topics: array(string()),
    userData: bytes({ nullable: '0+', default: null }),
    ownedPartitions: array(
      {
        topic: string({ versions: '1+' }),
        partitions: array(int32(), { versions: '1+' }),
      },
      { versions: '1+', ignorable: true },
    ),
    generationId: int32({ versions: '2+', default: -1, ignorable: true }),
    rackId: string({ versions: '3+', nullable: '3+', default: null, ignorable: true }),
  },
)
export interface ConsumerProtocolSubscription extends Infer<typeof consumerProtocolSubscription> {}
export interface ConsumerProtocolSubscriptionInput extends Input<typeof consumerProtocolSubscription> {}
