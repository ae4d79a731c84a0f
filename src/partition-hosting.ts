/** The partitions of one broker with what keeps them in their places, by its settings. */
import type { ConfigService } from './apis/config-service.ts'
import { logConfigOf } from './apis/log-settings.ts'
import type { Clock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'
import type { MetadataStore } from './cluster/metadata/store.ts'
import { DirectoryReports } from './cluster/replicas/directory-reports.ts'
import { LogMoves } from './cluster/replicas/log-moves.ts'
import { PartitionHost } from './cluster/replicas/partition-host.ts'
import type { BrokerSettings } from './config/broker-keys.ts'
import type { TopicSettings } from './config/topic-config.ts'
import type { LogConfig } from './logstore/log-config.ts'
import type { LogDirectories } from './logstore/log-directories.ts'
import type { LogDirectory } from './logstore/log-directory.ts'

export interface PartitionHostingOptions {
  readonly settings: BrokerSettings
  readonly configs: ConfigService
  readonly metadata: MetadataStore
  readonly logs: LogDirectories
  readonly clock: Clock
  readonly logger: Logger
}

export interface PartitionHosting {
  readonly partitions: PartitionHost
  readonly moves: LogMoves
  readonly reports: DirectoryReports
  readonly directoryFailed: (directory: LogDirectory) => void
}

export function partitionHosting(options: PartitionHostingOptions): PartitionHosting {
  const { settings, configs, metadata, logs, clock, logger } = options
  const { nodeId, sluiceValidateRecords, replicaLagTimeMaxMs } = settings
  // One for all partitions, of all topics, that have the same settings.
  const logConfigs = new WeakMap<TopicSettings, LogConfig>()
  const logConfig = (topic: TopicSettings): LogConfig => {
    const config = logConfigs.get(topic) ?? logConfigOf(topic, sluiceValidateRecords)
    logConfigs.set(topic, config)
    return config
  }
  const reports = new DirectoryReports({ brokerId: nodeId, metadata, logs, logger })
  const moves = new LogMoves({
    logs,
    clock,
    logger,
    maxBytesPerSecond: () => configs.moveBytesPerSecond,
    placed: (placements) => reports.placed(placements),
  })
  const partitions = new PartitionHost({
    brokerId: nodeId,
    logs,
    clock,
    logger,
    logConfig: (topic, image) => logConfig(configs.topic(topic, image)),
    minInsyncReplicas: (topic) => configs.topic(topic).minInsyncReplicas,
    replicaLagTimeMaxMs: () => replicaLagTimeMaxMs,
    image: () => metadata.image(),
    placed: (placements) => reports.placed(placements),
    moves,
  })
  return {
    partitions,
    moves,
    reports,
    directoryFailed: (directory) => {
      moves.directoryFailed(directory)
      partitions.directoryFailed(directory)
      if (directory !== logs.metadataDirectory) reports.directoryFailed()
    },
  }
}
