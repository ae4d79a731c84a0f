/**
 * The composition root: builds every part of one broker, hands each what it needs, starts them in order and stops them
 * in the reverse one. The only file that knows all parts; those that take many settings are built in files beside it.
 *
 * Order of a start: lock the data directory and open the metadata; bind the listeners, whose requests wait; register;
 * take up the partitions; make the internal topics and load the groups and transactions; let the requests in.
 */
import { resolve } from 'node:path'
import { offsetsTopic } from './apis/automatic-topics.ts'
import { BROKER_LOGGERS, initialLogLevel } from './apis/broker-loggers.ts'
import { ConfigService } from './apis/config-service.ts'
import { FetchSessions } from './apis/fetch-sessions.ts'
import { clientQuotas, followQuotas } from './apis/quota-limits.ts'
import type { Services } from './apis/services.ts'
import { followSubscriptions } from './apis/telemetry-subscriptions.ts'
import { BufferPool } from './base/buffer-pool.ts'
import type { Clock } from './base/clock.ts'
import { LimitedLog } from './base/limited-log.ts'
import { LogLevels } from './base/log-levels.ts'
import type { Logger } from './base/logger.ts'
import { type Metrics, noMetrics } from './base/metrics.ts'
import { type Random, randomUuid } from './base/random.ts'
import { Slices } from './base/slices.ts'
import { openBrokerHttp } from './broker-http.ts'
import { openListeners } from './broker-listeners.ts'
import { adoptMetadata, openMetadata } from './broker-metadata.ts'
import { type BrokerCleaner, brokerCleaner } from './cleaner.ts'
import { Controller } from './cluster/controller.ts'
import type { BrokerListener } from './cluster/metadata/image.ts'
import type { BrokerSession, MetadataStore } from './cluster/metadata/store.ts'
import { ProducerIds } from './cluster/producer-ids.ts'
import { followCoordinatorTopic } from './cluster/replicas/coordinator-leadership.ts'
import type { LogMoves } from './cluster/replicas/log-moves.ts'
import type { PartitionHost } from './cluster/replicas/partition-host.ts'
import { isOfAnEarlierTransaction, writeMarker } from './cluster/replicas/transaction-markers.ts'
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from './cluster/topic-names.ts'
import { formatEndpoint } from './config/listeners.ts'
import type { BrokerConfig } from './config/load.ts'
import { coordinatorSpread } from './coordinator-spread.ts'
import { type GroupParts, type GroupRuntime, groupParts } from './group-parts.ts'
import type { BrokerParts } from './http/broker-metrics.ts'
import type { CleaningRunner } from './logstore/compaction/cleaning-runner.ts'
import type { FileSystem } from './logstore/file-system.ts'
import { LogDirectories } from './logstore/log-directories.ts'
import type { LogDirectory } from './logstore/log-directory.ts'
import type { Listen } from './net/listener.ts'
import { resolveHost } from './net/resolve-host.ts'
import type { SocketServer } from './net/socket-server.ts'
import { type PartitionHosting, partitionHosting } from './partition-hosting.ts'
import { StartError, startError } from './start-error.ts'
import { ClientTelemetry } from './telemetry/client-telemetry.ts'
import { type TransactionParts, transactionParts } from './transaction-parts.ts'
import { ErrorCode } from './wire/error-codes.ts'

export interface BrokerOptions {
  readonly config: BrokerConfig
  readonly fs: FileSystem
  readonly clock: Clock
  readonly random: Random
  /** Takes every line: what is left out is decided by `sluice.log.level` and the levels of broker loggers. */
  readonly logger: Logger
  /** When the process or the caller began to start it, by the clock; for the log line that says how long it took. */
  readonly startedMs: number
  /** Of this release, for the metrics. */
  readonly version: string
  /** Where logs are compacted; in slices on this thread unless given. */
  readonly createCleaningRunner?: () => CleaningRunner
  /** Where connections come from; sockets of the operating system unless given. */
  readonly listen?: Listen
  /** Memory for requests, reads and the tail cache; a pool of its own unless given. */
  readonly buffers?: BufferPool
}

type WriteMarker = Services['writeMarker']

/** How long a clean stop waits for clients to take the answers that they are owed. */
const CLOSE_GRACE_MS = 2000
/** Kafka's `producer.id.expiration.check.interval.ms`, which is internal there too. */
const PRODUCER_EXPIRATION_CHECK_MS = 600_000

export class Broker {
  readonly #options: BrokerOptions
  /** Of requests, and of reads until they are sent. */
  readonly #buffers: BufferPool
  readonly #logLevels: LogLevels
  /** What a stop has to undo, in the order of the start. */
  readonly #undo: (() => void | Promise<void>)[] = []
  #closing: Promise<void> | undefined
  #metrics: Metrics = noMetrics
  #notReady: string | undefined = 'the broker is starting'
  /** Why it cannot go on; only a restart helps, so whoever watches has to know. */
  #fatal: string | undefined
  readonly #failed = Promise.withResolvers<string>()
  #configs: ConfigService | undefined
  #listeners: readonly BrokerListener[] = []
  #clusterId = ''
  #httpPort: number | undefined

  private constructor(options: BrokerOptions) {
    this.#buffers = options.buffers ?? new BufferPool()
    this.#logLevels = new LogLevels(options.logger, initialLogLevel(options.config), BROKER_LOGGERS)
    this.#options = { ...options, logger: this.#logLevels.logger('sluice.broker') }
  }

  /** Rejects with StartError for what an operator can mend; nothing is left behind then. */
  static async start(options: BrokerOptions): Promise<Broker> {
    const broker = new Broker(options)
    try {
      await broker.#start()
      return broker
    } catch (error) {
      await broker.#stop()
      throw startError(error)
    }
  }

  /** What clients are told to connect to, in the order of `listeners`. */
  get listeners(): readonly BrokerListener[] {
    return this.#listeners
  }

  /** Where metrics and health are served; undefined where they are not. */
  get httpPort(): number | undefined {
    return this.#httpPort
  }

  get clusterId(): string {
    return this.#clusterId
  }

  /**
   * Resolves with the reason when the broker can't go on: its last log directory has failed, or the one of the metadata.
   * It still answers, that nothing can be had; only a restart helps.
   */
  get failed(): Promise<string> {
    return this.#failed.promise
  }

  /** Answers what was asked, gives up leadership, flushes the logs and lets go of everything. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#stop()
    return this.#closing
  }

  async #stop(): Promise<void> {
    this.#notReady = 'the broker is stopping'
    const startedMs = this.#options.clock.monotonicMs()
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo()
      } catch (err) {
        this.#options.logger.error('part of the stop failed', { err })
      }
    }
    const tookMs = Math.round(this.#options.clock.monotonicMs() - startedMs)
    this.#options.logger.info('sluice stopped', { tookMs })
  }

  async #start(): Promise<void> {
    const { config, logger } = this.#options
    for (const warning of config.warnings) logger.warn(warning)
    if (config.unusedKeys.length > 0) {
      logger.info('configuration keys without effect here', { keys: config.unusedKeys.join(',') })
    }
    const sampleParts = await this.#openHttp()
    let hosting: PartitionHosting | undefined
    const logs = this.#openLogs((directory) => hosting?.directoryFailed(directory))
    // After the metadata, whose last commits (a topic deleted by the last request) still have to reach the logs.
    this.#undo.push(() => hosting?.partitions.close())
    const metadata = await this.#openMetadata(logs)
    const configs = new ConfigService(config, config.settings.nodeId, metadata)
    this.#configs = configs
    hosting = this.#hostPartitions(logs, metadata, configs)
    const { partitions: hosted, moves, reports } = hosting
    const { cleaner, start: startCleaner } = this.#logCleaner(logs, configs)
    const groups = this.#groups(metadata, configs)
    const producerIds = new ProducerIds(metadata)
    const writeMarker = this.#markerWrites(hosted, groups.runtime)
    const transactions = this.#transactions(metadata, producerIds, writeMarker)
    const services = this.#services({
      metadata,
      configs,
      partitions: hosted,
      logs,
      moves,
      groups,
      producerIds,
      transactions,
      writeMarker,
    })
    sampleParts?.({
      metadata,
      partitions: hosted,
      logs,
      groupMachines: () => groups.runtime.machines,
      transactionMachines: () => transactions.runtime.machines,
      fetchSessions: services.fetchSessions,
      cleaner,
      telemetry: services.telemetry,
    })
    const { promise: ready, resolve: open } = Promise.withResolvers<void>()
    // In a stop the registration goes after the listeners, so that nobody is told of a cluster without brokers, and the
    // coordinators before them, so that parked requests are answered.
    let session: BrokerSession | undefined
    this.#undo.push(() => session?.close())
    const server = await this.#listen(services, ready)
    this.#undo.push(() => groups.runtime.close())
    this.#undo.push(() => transactions.close())
    session = await this.#register(metadata, logs)
    producerIds.session = session
    await reports.start(!logs.hadCleanShutdown)
    hosted.load(metadata.image())
    metadata.subscribe((image, changes, previous) => {
      hosted.applied(image, changes, previous)
      if (image.configs !== previous.configs) reports.configured()
    })
    await this.#loadGroups(services, groups)
    // After the groups, in whose partitions markers may be due.
    const followed = followCoordinatorTopic(TRANSACTION_STATE_TOPIC, metadata, hosted, transactions.runtime)
    this.#undo.push(() => followed.end())
    await followed.loaded
    logs.startMaintenance({
      retentionCheckMs: config.settings.logRetentionCheckIntervalMs,
      flushCheckMs: config.settings.logFlushSchedulerIntervalMs,
      recoveryPointCheckpointMs: config.settings.logFlushOffsetCheckpointIntervalMs,
      logStartOffsetCheckpointMs: config.settings.logFlushStartOffsetCheckpointIntervalMs,
      highWatermarkCheckpointMs: config.settings.replicaHighWatermarkCheckpointIntervalMs,
      producerExpirationCheckMs: PRODUCER_EXPIRATION_CHECK_MS,
    })
    this.#undo.push(startCleaner())
    this.#notReady = undefined
    open()
    this.#logStarted(server)
  }

  /** Where metrics and health are asked for. Gives what samples the parts once they are there. */
  async #openHttp(): Promise<((parts: BrokerParts) => void) | undefined> {
    const { config } = this.#options
    if (config.httpListener === undefined) return undefined
    const http = await openBrokerHttp({
      listener: config.httpListener,
      version: this.#options.version,
      notReady: () => this.#notReady ?? this.#fatal,
      logger: this.#logLevels.logger('sluice.http'),
    })
    this.#undo.push(() => http.close())
    this.#metrics = http.metrics
    this.#httpPort = http.port
    return http.sample
  }

  #openLogs(onFailure: (directory: LogDirectory) => void): LogDirectories {
    const { config, fs, clock, random } = this.#options
    const { metadataLogDir } = config.settings
    const logs = LogDirectories.open({
      fs,
      paths: config.logDirs,
      ...(metadataLogDir !== null && { metadataPath: metadataLogDir }),
      clock,
      random,
      logger: this.#logLevels.logger('sluice.logstore'),
      buffers: this.#buffers,
      tailCacheBytes: config.settings.sluiceTailCacheBytes,
      producerIdExpirationMs: config.settings.producerIdExpirationMs,
      isCordoned: (path) => isCordoned((this.#configs?.broker ?? config.settings).cordonedLogDirs, path),
      onFailure: (directory, error) => {
        onFailure(directory)
        if (directory === logs.metadataDirectory || logs.onlineIds.length === 0) this.#fail(error)
      },
    })
    this.#undo.push(() => logs.close())
    return logs
  }

  /** As Kafka halts: without the metadata, or any place for a log, nothing can be served. */
  #fail(error: Error): void {
    const { logger } = this.#options
    const reason = `${error.message}; restart the broker when the disk is well`
    this.#fatal = reason
    logger.error('the broker cannot go on', { err: error })
    this.#failed.resolve(reason)
  }

  async #openMetadata(logs: LogDirectories): Promise<MetadataStore> {
    const { config, fs, clock, random, logger } = this.#options
    const metadata = await openMetadata({
      fs,
      logs,
      clock,
      random,
      logger: this.#logLevels.logger('sluice.cluster'),
      // What is acknowledged from now on would rest on metadata that a restart does not have.
      onBroken: (error) => logs.metadataDirectory.fail(error),
    })
    this.#undo.push(() => metadata.close())
    this.#clusterId = metadata.image().clusterId
    await adoptMetadata(metadata, logs, config.settings.nodeId, logger)
    return metadata
  }

  #hostPartitions(logs: LogDirectories, metadata: MetadataStore, configs: ConfigService): PartitionHosting {
    const { config, clock } = this.#options
    const hosting = partitionHosting({
      settings: config.settings,
      configs,
      metadata,
      logs,
      clock,
      logger: this.#logLevels.logger('sluice.cluster'),
    })
    this.#undo.push(() => hosting.reports.close())
    this.#undo.push(() => hosting.moves.close())
    return hosting
  }

  #logCleaner(logs: LogDirectories, configs: ConfigService): BrokerCleaner {
    const { fs, clock, random, createCleaningRunner } = this.#options
    return brokerCleaner({
      directories: () => logs.online,
      settings: () => configs.broker,
      fs,
      clock,
      random,
      logger: this.#logLevels.logger('sluice.logstore'),
      ...(createCleaningRunner !== undefined && { createRunner: createCleaningRunner }),
    })
  }

  #groups(metadata: MetadataStore, configs: ConfigService): GroupParts {
    const { config, clock } = this.#options
    const { settings } = config
    return groupParts({
      settings,
      configs,
      metadata,
      partitionCount: coordinatorSpread(metadata, GROUP_METADATA_TOPIC, settings.offsetsTopicNumPartitions),
      clock,
      logger: this.#logLevels.logger('sluice.groups'),
    })
  }

  /** Markers for partitions that this broker leads; those of groups go through their machines. */
  #markerWrites(partitions: PartitionHost, groups: GroupRuntime): WriteMarker {
    const { config, clock } = this.#options
    return async (topic, index, marker) => {
      if (isOfAnEarlierTransaction(marker, partitions.get(topic, index)?.log)) {
        return ErrorCode.INVALID_PRODUCER_EPOCH
      }
      if (topic === GROUP_METADATA_TOPIC) return groups.endTransaction(index, marker)
      const partition = partitions.get(topic, index)
      if (partition === undefined) return partitions.missing(topic, index)
      return writeMarker(partition, marker, clock, config.settings.requestTimeoutMs)
    }
  }

  #transactions(metadata: MetadataStore, producerIds: ProducerIds, write: WriteMarker): TransactionParts {
    const { config, clock } = this.#options
    const { settings } = config
    return transactionParts({
      settings,
      metadata,
      writeMarker: write,
      nextProducerId: () => producerIds.next(),
      partitionCount: coordinatorSpread(
        metadata,
        TRANSACTION_STATE_TOPIC,
        settings.transactionStateLogNumPartitions,
      ),
      clock,
      logger: this.#logLevels.logger('sluice.transactions'),
    })
  }

  #services(parts: {
    readonly metadata: MetadataStore
    readonly configs: ConfigService
    readonly partitions: PartitionHost
    readonly logs: LogDirectories
    readonly moves: LogMoves
    readonly groups: GroupParts
    readonly producerIds: ProducerIds
    readonly transactions: TransactionParts
    readonly writeMarker: WriteMarker
  }): Services {
    const { config, clock, random } = this.#options
    const { metadata, configs, partitions, logs, moves, groups, producerIds, transactions, writeMarker } =
      parts
    const limitedLog = new LimitedLog(this.#logLevels.logger('sluice.apis'), clock)
    const topicDefaults = () => ({
      numPartitions: configs.broker.numPartitions,
      replicationFactor: configs.broker.defaultReplicationFactor,
    })
    return {
      nodeId: config.settings.nodeId,
      clock,
      random,
      slices: new Slices(clock),
      logger: this.#logLevels.logger('sluice.apis'),
      limitedLog,
      logLevels: this.#logLevels,
      metadata,
      controller: new Controller({ store: metadata, random, topicDefaults }),
      partitions,
      logs,
      moves,
      groups: groups.coordinator,
      producerIds,
      transactions: transactions.coordinator,
      writeMarker,
      configs,
      fetchSessions: new FetchSessions(config.settings.maxIncrementalFetchSessionCacheSlots, () =>
        random.bytes(4).readInt32BE(),
      ),
      quotas: clientQuotas(config.settings),
      telemetry: this.#clientTelemetry(metadata),
      resolveHost,
    }
  }

  #clientTelemetry(metadata: MetadataStore): ClientTelemetry {
    const { config, clock, random } = this.#options
    const telemetry = new ClientTelemetry({ clock, random, maxBytes: config.settings.telemetryMaxBytes })
    const unfollow = followSubscriptions(telemetry, metadata)
    this.#undo.push(() => {
      unfollow()
      telemetry.close()
    })
    return telemetry
  }

  /** Requests that come before the broker is ready wait for it. */
  async #listen(services: Services, ready: Promise<void>): Promise<SocketServer> {
    const { config, clock, listen } = this.#options
    const { server, rates, advertised } = await openListeners({
      config,
      services,
      ready,
      buffers: this.#buffers,
      metrics: this.#metrics,
      clock,
      logger: this.#logLevels.logger('sluice.net'),
      ...(listen !== undefined && { listen }),
    })
    this.#undo.push(() => server.close(CLOSE_GRACE_MS))
    this.#undo.push(
      followQuotas({
        ...services,
        rates,
        onConnectionLimits: (limits) => {
          server.connectionLimits = limits
        },
      }),
    )
    this.#listeners = advertised
    return server
  }

  #register(metadata: MetadataStore, logs: LogDirectories): Promise<BrokerSession> {
    const { config, random } = this.#options
    return metadata.register({
      id: config.settings.nodeId,
      incarnationId: randomUuid(random),
      rack: config.settings.brokerRack,
      listeners: this.#listeners,
      directories: logs.onlineIds,
      isCordoned: logs.areCordoned,
    })
  }

  /** Makes `__consumer_offsets` where it is missing and loads every partition of it that this broker leads. */
  async #loadGroups(services: Services, groups: GroupParts): Promise<void> {
    const { settings } = this.#options.config
    const { metadata, controller, partitions } = services
    if (!metadata.image().topics.has(GROUP_METADATA_TOPIC)) {
      const wanted = offsetsTopic(settings, metadata.image())
      const [made] = await controller.createTopics([wanted], { validateOnly: false })
      if (made !== undefined && 'errorCode' in made) {
        throw new StartError(`${GROUP_METADATA_TOPIC} cannot be made: ${made.message}`)
      }
    }
    const followed = followCoordinatorTopic(GROUP_METADATA_TOPIC, metadata, partitions, groups.runtime)
    this.#undo.push(() => followed.end())
    await followed.loaded
    this.#undo.push(groups.followTopics())
  }

  #logStarted(server: SocketServer): void {
    const { config, clock, logger, startedMs } = this.#options
    logger.info('sluice started', {
      listeners: server.listeners.map(({ options, port }) => formatEndpoint({ ...options, port })).join(','),
      advertised: this.#listeners.map(formatEndpoint).join(','),
      data: config.logDirs.join(','),
      startMs: Math.round(clock.now() - startedMs),
    })
  }
}

/** `*` stands for all of `log.dirs`. */
function isCordoned(cordoned: readonly string[], path: string): boolean {
  return cordoned.some((each) => each === '*' || resolve(each) === path)
}
