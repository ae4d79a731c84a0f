import type { OffsetCommitValue } from '../wire/log-schemas/offset-commit-value.ts'

export interface PendingOffset {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  readonly value: OffsetCommitValue
  /** Where its record is in the log. */
  readonly recordOffset: number
}

/**
 * Offsets that were committed within transactions which have not ended: they count when the transaction's commit marker
 * comes (the pending part of Kafka's `OffsetMetadataManager`).
 */
export class PendingOffsets {
  /** By producer, then by partition. */
  readonly #transactions = new Map<number, Map<string, PendingOffset>>()
  /** By group, then by partition: how many transactions have an offset of it. */
  readonly #groups = new Map<
    string,
    Map<string, { topic: string; partition: number; transactions: number }>
  >()

  add(producerId: number, offset: PendingOffset): void {
    let transaction = this.#transactions.get(producerId)
    if (transaction === undefined) {
      transaction = new Map()
      this.#transactions.set(producerId, transaction)
    }
    const key = keyInGroup(offset)
    if (!transaction.has(key)) this.#count(offset, 1)
    transaction.set(key, offset)
  }

  has(groupId: string, topic: string, partition: number): boolean {
    return this.#groups.get(groupId)?.has(keyOf({ topic, partition })) === true
  }

  /** The partitions of which a group has an offset pending. */
  ofGroup(groupId: string): Iterable<{ readonly topic: string; readonly partition: number }> {
    return this.#groups.get(groupId)?.values() ?? []
  }

  get groupIds(): Iterable<string> {
    return this.#groups.keys()
  }

  hasAny(groupId: string): boolean {
    return this.#groups.has(groupId)
  }

  /** The offsets were deleted: no transaction brings them back. */
  delete(groupId: string, topic: string, partition: number): void {
    if (!this.has(groupId, topic, partition)) return
    const key = keyInGroup({ groupId, topic, partition })
    for (const [producerId, transaction] of this.#transactions) {
      const offset = transaction.get(key)
      if (offset === undefined) continue
      transaction.delete(key)
      this.#count(offset, -1)
      if (transaction.size === 0) this.#transactions.delete(producerId)
    }
  }

  /** The producer's transaction has ended: what it committed. */
  take(producerId: number): Iterable<PendingOffset> {
    const offsets = this.#transactions.get(producerId)
    if (offsets === undefined) return []
    this.#transactions.delete(producerId)
    for (const offset of offsets.values()) this.#count(offset, -1)
    return offsets.values()
  }

  #count({ groupId, topic, partition }: PendingOffset, by: 1 | -1): void {
    let partitions = this.#groups.get(groupId)
    if (partitions === undefined) {
      partitions = new Map()
      this.#groups.set(groupId, partitions)
    }
    const key = keyOf({ topic, partition })
    const known = partitions.get(key) ?? { topic, partition, transactions: 0 }
    known.transactions += by
    if (known.transactions > 0) partitions.set(key, known)
    else partitions.delete(key)
    if (partitions.size === 0) this.#groups.delete(groupId)
  }
}

type PartitionOfGroup = Pick<PendingOffset, 'groupId' | 'topic' | 'partition'>

/** A group's name may have any characters, a topic's no colon. */
function keyInGroup({ groupId, topic, partition }: PartitionOfGroup): string {
  return `${keyOf({ topic, partition })}:${groupId}`
}

function keyOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${partition}:${topic}`
}
