/**
 * All groups of this broker: finds the partition of `__consumer_offsets` that a group belongs to and hands commands to
 * the machine there. Kafka's `GroupCoordinatorService`.
 */
import { LONGEST_KEY } from '../base/hashed-keys.ts'
import { partitionFor } from '../cluster/coordinator/coordinator-log.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import type { GroupCommand, GroupReply, GroupReplyTo } from './commands.ts'

/** Runs a command on the machine of a partition; the reply carries every refusal. */
export type ExecuteGroupCommand = (partition: number, command: GroupCommand) => Promise<GroupReply>

export interface GroupCoordinatorOptions {
  readonly execute: ExecuteGroupCommand
  /** Partitions of `__consumer_offsets`. */
  readonly partitionCount: () => number
  /** The broker that leads a partition of `__consumer_offsets`; undefined for none. */
  readonly leaderOf: (partition: number) => number | undefined
}

export class GroupCoordinator {
  readonly #options: GroupCoordinatorOptions

  constructor(options: GroupCoordinatorOptions) {
    this.#options = options
  }

  /** The broker that coordinates a group; undefined where none does. */
  coordinatorOf(groupId: string): number | undefined {
    return this.#options.leaderOf(this.partitionOf(groupId))
  }

  /** Throws KafkaError for an id that is too long to be kept. */
  execute<C extends GroupCommand>(groupId: string, command: C): Promise<GroupReplyTo<C>> {
    if (groupId.length > LONGEST_KEY) throw new KafkaError(ErrorCode.INVALID_GROUP_ID)
    return this.#executeOn(this.partitionOf(groupId), command)
  }

  /** One command for the groups of each partition; the replies in no particular order. */
  executeByGroup<C extends GroupCommand>(
    groupIds: readonly string[],
    commandFor: (groupIds: readonly string[]) => C,
  ): Promise<GroupReplyTo<C>[]> {
    const byPartition = new Map<number, string[]>()
    for (const groupId of groupIds) {
      const partition = this.partitionOf(groupId)
      const ids = byPartition.get(partition)
      if (ids === undefined) byPartition.set(partition, [groupId])
      else ids.push(groupId)
    }
    return Promise.all(
      Array.from(byPartition, ([partition, ids]) => this.#executeOn(partition, commandFor(ids))),
    )
  }

  executeOnAll<C extends GroupCommand>(command: C): Promise<GroupReplyTo<C>[]> {
    return Promise.all(
      Array.from({ length: this.#options.partitionCount() }, (_, partition) =>
        this.#executeOn(partition, command),
      ),
    )
  }

  /** Of `__consumer_offsets`. */
  partitionOf(groupId: string): number {
    return partitionFor(groupId, this.#options.partitionCount())
  }

  async #executeOn<C extends GroupCommand>(partition: number, command: C): Promise<GroupReplyTo<C>> {
    // A machine answers each command with the reply that GroupReplies names for its type.
    return (await this.#options.execute(partition, command)) as GroupReplyTo<C>
  }
}
