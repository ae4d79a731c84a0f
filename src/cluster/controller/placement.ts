/**
 * Where the replicas of new partitions go: brokers in turn, rack by rack, from a random start (after Kafka's
 * `StripedReplicaPlacer`, without its treatment of fenced brokers as a separate class: they are left out).
 */
import type { Random } from '../../base/random.ts'

export interface PlaceableBroker {
  readonly id: number
  readonly rack: string | null
}

/**
 * One list of broker ids per partition, preferred leader first.
 * `replicationFactor` must be between 1 and the number of brokers.
 */
export function placeReplicas(
  brokers: readonly PlaceableBroker[],
  partitionCount: number,
  replicationFactor: number,
  random: Random,
): number[][] {
  const order = stripeByRack(brokers)
  const start = random.bytes(4).readUInt32BE() % order.length
  const partitions: number[][] = []
  for (let partition = 0; partition < partitionCount; partition++) {
    const replicas: number[] = []
    for (let i = 0; i < replicationFactor; i++) replicas.push(order[(start + partition + i) % order.length]!)
    partitions.push(replicas)
  }
  return partitions
}

/** Broker ids such that neighbours are on different racks as long as racks last. */
function stripeByRack(brokers: readonly PlaceableBroker[]): number[] {
  const racks = new Map<string | null, number[]>()
  for (const { id, rack } of [...brokers].sort((a, b) => a.id - b.id)) {
    const ids = racks.get(rack)
    if (ids === undefined) racks.set(rack, [id])
    else ids.push(id)
  }
  const order: number[] = []
  for (let round = 0; order.length < brokers.length; round++) {
    for (const ids of racks.values()) {
      if (round < ids.length) order.push(ids[round]!)
    }
  }
  return order
}
