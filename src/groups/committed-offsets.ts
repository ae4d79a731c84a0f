import type { OffsetCommitValue } from '../wire/log-schemas/offset-commit-value.ts'

/** As its record in the log has it, with the record's own place there. */
export interface CommittedOffset extends OffsetCommitValue {
  readonly recordOffset: number
}

type OffsetsOfTopic = ReadonlyMap<number, CommittedOffset>
type OffsetsOfGroup = ReadonlyMap<string, OffsetsOfTopic>

const NONE: OffsetsOfGroup = new Map()

/** The committed offsets of one partition's groups. */
export class CommittedOffsets {
  readonly #groups = new Map<string, Map<string, Map<number, CommittedOffset>>>()
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Topic to partition to offset; empty when the group has none. */
  ofGroup(groupId: string): OffsetsOfGroup {
    return this.#groups.get(groupId) ?? NONE
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(groupId)?.get(topic)?.get(partition)
  }

  /** Each group that has offsets. */
  entries(): Iterable<[string, OffsetsOfGroup]> {
    return this.#groups.entries()
  }

  set(groupId: string, topic: string, partition: number, value: CommittedOffset): void {
    let topics = this.#groups.get(groupId)
    if (topics === undefined) {
      topics = new Map()
      this.#groups.set(groupId, topics)
    }
    let partitions = topics.get(topic)
    if (partitions === undefined) {
      partitions = new Map()
      topics.set(topic, partitions)
    }
    if (!partitions.has(partition)) this.#count++
    partitions.set(partition, value)
  }

  delete(groupId: string, topic: string, partition: number): void {
    const topics = this.#groups.get(groupId)
    const partitions = topics?.get(topic)
    if (topics === undefined || partitions === undefined) return
    if (partitions.delete(partition)) this.#count--
    if (partitions.size === 0) topics.delete(topic)
    if (topics.size === 0) this.#groups.delete(groupId)
  }
}
