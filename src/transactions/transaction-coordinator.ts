/**
 * All transactional ids of this broker: finds the partition of `__transaction_state` that one belongs to, hands commands
 * to the machine there, and gets a producer id where one is needed. Kafka's `TransactionCoordinator`.
 */
import { LONGEST_KEY } from '../base/hashed-keys.ts'
import { partitionFor } from '../cluster/coordinator/coordinator-log.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import type { TransactionCommand, TransactionReply, TransactionReplyTo } from './commands.ts'

/** Runs a command on the machine of a partition; the reply carries every refusal. */
export type ExecuteTransactionCommand = (
  partition: number,
  command: TransactionCommand,
) => Promise<TransactionReply>

export interface TransactionCoordinatorOptions {
  readonly execute: ExecuteTransactionCommand
  /** Partitions of `__transaction_state`. */
  readonly partitionCount: () => number
  /** The broker that leads a partition of `__transaction_state`; undefined for none. */
  readonly leaderOf: (partition: number) => number | undefined
  /** An id that nobody else has. Rejects where none can be had. */
  readonly nextProducerId: () => Promise<number>
}

type CommandForOne = Extract<TransactionCommand, { readonly transactionalId: string }>

export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions

  constructor(options: TransactionCoordinatorOptions) {
    this.#options = options
  }

  /** The broker that coordinates a transactional id; undefined where none does. */
  coordinatorOf(transactionalId: string): number | undefined {
    return this.#options.leaderOf(this.partitionOf(transactionalId))
  }

  partitionOf(transactionalId: string): number {
    return partitionFor(transactionalId, this.#options.partitionCount())
  }

  /** Rejects where a producer id is needed and can't be had. */
  async execute<C extends CommandForOne>(command: C): Promise<TransactionReplyTo<C>> {
    if (command.transactionalId.length > LONGEST_KEY) throw new KafkaError(ErrorCode.INVALID_REQUEST)
    const partition = this.partitionOf(command.transactionalId)
    const reply = await this.#executeOn(partition, command)
    if (!('needsProducerId' in reply)) return reply
    // Between the two the transaction may move on: the command is decided anew, and the id perhaps not used.
    return this.#executeOn(partition, { ...command, newProducerId: await this.#options.nextProducerId() })
  }

  /** One command for the ids of each partition; the replies in no particular order. */
  describe(transactionalIds: readonly string[]) {
    const byPartition = Map.groupBy(transactionalIds, (id) => this.partitionOf(id))
    return Promise.all(
      Array.from(byPartition, async ([partition, ids]) => {
        const command = { type: 'describeTransactions', transactionalIds: ids } as const
        return { ids, reply: await this.#executeOn(partition, command) }
      }),
    )
  }

  executeOnAll<C extends TransactionCommand>(command: C): Promise<TransactionReplyTo<C>[]> {
    const partitions = Array.from({ length: this.#options.partitionCount() }, (_, partition) => partition)
    return Promise.all(partitions.map((partition) => this.#executeOn(partition, command)))
  }

  async #executeOn<C extends TransactionCommand>(
    partition: number,
    command: C,
  ): Promise<TransactionReplyTo<C>> {
    // A machine answers each command with the reply that TransactionReplies names for its type.
    return (await this.#options.execute(partition, command)) as TransactionReplyTo<C>
  }
}
