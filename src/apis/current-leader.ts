/** Where the leader is that the client looked for here: sent with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH (KIP-951). */
import type { MetadataImage } from '../cluster/metadata/image.ts'
import { partitionOf } from '../cluster/metadata/image.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { brokerEndpoint } from './endpoints.ts'

export interface LeaderHint {
  readonly leaderId: number
  readonly leaderEpoch: number
}

/** Undefined for an error code that no other leader would mend. */
export function currentLeaderOf(
  image: MetadataImage,
  errorCode: number,
  { topic, partition }: { readonly topic: string | undefined; readonly partition: number },
): LeaderHint | undefined {
  if (errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER && errorCode !== ErrorCode.FENCED_LEADER_EPOCH)
    return undefined
  const known = topic === undefined ? undefined : partitionOf(image, topic, partition)
  return known && { leaderId: known.leader, leaderEpoch: known.leaderEpoch }
}

/** The address of each leader that was named, once. */
export function leaderEndpoints(image: MetadataImage, leaders: readonly LeaderHint[], listenerName: string) {
  if (leaders.length === 0) return []
  return Array.from(new Set(leaders.map(({ leaderId }) => leaderId)), (id) => image.brokers.get(id))
    .filter((broker) => broker !== undefined)
    .map((broker) => ({ nodeId: broker.id, ...brokerEndpoint(broker, listenerName), rack: broker.rack }))
}
