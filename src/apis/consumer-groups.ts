/** What the APIs of the new group protocols ask first. */
import { featureLevel } from '../cluster/metadata/image.ts'
import type { Services } from './services.ts'

/** Whether consumer groups of the new protocol are served: Kafka's `isConsumerGroupProtocolEnabled`. */
export function servesConsumerGroups({ configs, metadata }: Services): boolean {
  return (
    configs.broker.groupCoordinatorRebalanceProtocols.includes('consumer') &&
    featureLevel(metadata.image(), 'group.version') >= 1
  )
}
