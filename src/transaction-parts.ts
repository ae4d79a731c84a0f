/** What serves transactions in one broker, by its settings. */
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import { CoordinatorRuntime } from './cluster/coordinator/runtime.ts'
import { featureLevel } from './cluster/metadata/image.ts'
import type { MetadataStore } from './cluster/metadata/store.ts'
import { TRANSACTION_STATE_TOPIC } from './cluster/topic-names.ts'
import type { TransactionMarker } from './cluster/transaction-marker.ts'
import type { BrokerSettings } from './config/broker-keys.ts'
import type { TransactionCommand, TransactionReply, TransactionTask } from './transactions/commands.ts'
import { MarkerWriter } from './transactions/marker-writer.ts'
import { type TransactionRecord, transactionSerde } from './transactions/records.ts'
import { TransactionCoordinator } from './transactions/transaction-coordinator.ts'
import { refusalOf, TransactionMachine } from './transactions/transaction-machine.ts'

export type TransactionRuntime = CoordinatorRuntime<
  TransactionCommand,
  TransactionReply,
  TransactionRecord,
  TransactionMachine,
  TransactionTask
>

export interface TransactionPartsOptions {
  readonly settings: BrokerSettings
  readonly metadata: MetadataStore
  /** Ends a transaction in a partition that this broker leads; the error code, when that is replicated. */
  readonly writeMarker: (topic: string, partition: number, marker: TransactionMarker) => Promise<number>
  readonly nextProducerId: () => Promise<number>
  /** Over how many partitions transactional ids are spread. */
  readonly partitionCount: () => number
  readonly clock: Clock
  readonly logger: Logger
}

export interface TransactionParts {
  readonly runtime: TransactionRuntime
  readonly coordinator: TransactionCoordinator
  close(): Promise<void>
}

export function transactionParts(options: TransactionPartsOptions): TransactionParts {
  const { settings, metadata, writeMarker, nextProducerId, partitionCount, clock, logger } = options
  const machineOptions = {
    maxTimeoutMs: () => settings.transactionMaxTimeoutMs,
    expirationMs: settings.transactionalIdExpirationMs,
    timeoutCheckIntervalMs: settings.transactionAbortTimedOutTransactionCleanupIntervalMs,
    expirationCheckIntervalMs: settings.transactionRemoveExpiredTransactionCleanupIntervalMs,
    transactionVersion: () => featureLevel(metadata.image(), 'transaction.version'),
  }
  const execute = (partition: number, command: TransactionCommand) => runtime.execute(partition, command)
  const markers = new MarkerWriter({ write: writeMarker, execute, nextProducerId, clock, logger })
  const runtime: TransactionRuntime = new CoordinatorRuntime({
    topic: TRANSACTION_STATE_TOPIC,
    createMachine: () => new TransactionMachine(machineOptions),
    serde: transactionSerde,
    refusal: refusalOf,
    clock,
    logger,
    perform: (task, partition, leaderEpoch) => markers.perform(task, partition, leaderEpoch),
  })
  const partitions = () => metadata.image().topics.get(TRANSACTION_STATE_TOPIC)?.partitions
  return {
    runtime,
    coordinator: new TransactionCoordinator({
      execute,
      partitionCount,
      leaderOf: (partition) => partitions()?.[partition]?.leader,
      nextProducerId,
    }),
    async close() {
      markers.close()
      await runtime.close()
    },
  }
}
