/**
 * The composition root: builds every part of one broker, hands each what it needs, starts them in order and stops them
 * in the reverse one. The only file that knows all parts.
 *
 * Order of a start: lock the data directory and open the metadata; bind the listeners, whose requests wait; register;
 * take up the partitions; make the internal topics and load the groups and transactions; let the requests in.
 */
import { resolve } from 'node:path'
import { offsetsTopic } from './apis/automatic-topics.ts'
import { BROKER_LOGGERS, initialLogLevel } from './apis/broker-loggers.ts'
import { ConfigService } from './apis/config-service.ts'
import { finalizeFeatures, unservedFeature } from './apis/features.ts'
import { FetchSessions } from './apis/fetch-sessions.ts'
import { logConfigOf } from './apis/log-settings.ts'
import { clientQuotas, connectionLimits, connectionRates, followQuotas } from './apis/quota-limits.ts'
import type { Services } from './apis/services.ts'
import { boundHandlers } from './apis/table.ts'
import { followSubscriptions } from './apis/telemetry-subscriptions.ts'
import type { Clock } from './base/clock.ts'
import { LogLevels } from './base/log-levels.ts'
import type { Logger } from './base/logger.ts'
import { type Metrics, noMetrics } from './base/metrics.ts'
import { type Random, randomUuid } from './base/random.ts'
import { type BrokerCleaner, brokerCleaner } from './cleaner.ts'
import { Controller } from './cluster/controller.ts'
import { CoordinatorRuntime } from './cluster/coordinator/runtime.ts'
import { changedTopics, type MetadataChange } from './cluster/metadata/changes.ts'
import { MetadataStoreError } from './cluster/metadata/commit-codec.ts'
import { EmbeddedStore } from './cluster/metadata/embedded-store.ts'
import type { BrokerListener, MetadataImage } from './cluster/metadata/image.ts'
import { METADATA_DIRECTORY } from './cluster/metadata/metadata-log.ts'
import { type BrokerSession, type MetadataStore, updateMetadata } from './cluster/metadata/store.ts'
import { ProducerIds } from './cluster/producer-ids.ts'
import { followCoordinatorTopic } from './cluster/replicas/coordinator-leadership.ts'
import { DirectoryReports } from './cluster/replicas/directory-reports.ts'
import { LogMoves } from './cluster/replicas/log-moves.ts'
import { PartitionHost } from './cluster/replicas/partition-host.ts'
import { writeMarker } from './cluster/replicas/transaction-markers.ts'
import { GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC } from './cluster/topic-names.ts'
import { formatEndpoint } from './config/listeners.ts'
import type { BrokerConfig } from './config/load.ts'
import type { PartitionAssignor } from './groups/assignor/assignor.ts'
import { rangeAssignor } from './groups/assignor/range.ts'
import { uniformAssignor } from './groups/assignor/uniform.ts'
import type { GroupCommand, GroupReply } from './groups/commands.ts'
import { GroupCoordinator } from './groups/group-coordinator.ts'
import { GroupMachine } from './groups/group-machine.ts'
import { parseMigrationPolicy } from './groups/migration/policy.ts'
import type { GroupOptions } from './groups/options.ts'
import { type GroupRecord, groupSerde } from './groups/records.ts'
import { refusalOf } from './groups/refusal.ts'
import type { BrokerParts } from './http/broker-metrics.ts'
import { networkMetrics } from './http/sources.ts'
import type { CleaningRunner } from './logstore/compaction/cleaning-runner.ts'
import type { FileSystem } from './logstore/file-system.ts'
import { LogDirectories } from './logstore/log-directories.ts'
import type { LogDirectory } from './logstore/log-directory.ts'
import { LogDirectoryError } from './logstore/log-errors.ts'
import { dispatcher } from './net/dispatch.ts'
import { BindError } from './net/listener.ts'
import { resolveHost } from './net/resolve-host.ts'
import { SocketServer } from './net/socket-server.ts'
import { ClientTelemetry } from './telemetry/client-telemetry.ts'
import { type TransactionParts, transactionParts } from './transaction-parts.ts'
import { apiByKey } from './wire/apis.ts'

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
}

/** Why a broker cannot start, in one line for the operator. */
export class StartError extends Error {
  override name = 'StartError'
}

/** The partitions of this broker with what keeps them in their places. */
interface Hosting {
  readonly partitions: PartitionHost
  readonly moves: LogMoves
  readonly reports: DirectoryReports
  readonly directoryFailed: (directory: LogDirectory) => void
}

type WriteMarker = Services['writeMarker']
type GroupRuntime = CoordinatorRuntime<GroupCommand, GroupReply, GroupRecord, GroupMachine>

/** How long a clean stop waits for clients to take the answers that they are owed. */
const CLOSE_GRACE_MS = 2000
/** Kafka's `producer.id.expiration.check.interval.ms`, which is internal there too. */
const PRODUCER_EXPIRATION_CHECK_MS = 600_000
const MINUTE_MS = 60_000

export class Broker {
  readonly #options: BrokerOptions
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
    let hosting: Hosting | undefined
    const logs = this.#openLogs((directory) => hosting?.directoryFailed(directory))
    // After the metadata, whose last commits (a topic deleted by the last request) still have to reach the logs.
    this.#undo.push(() => hosting?.partitions.close())
    const metadata = await this.#openMetadata(logs)
    const configs = new ConfigService(config, config.settings.nodeId, metadata)
    this.#configs = configs
    hosting = this.#hostPartitions(logs, metadata, configs)
    const { partitions: hosted, moves, reports } = hosting
    const { cleaner, start: startCleaner } = this.#logCleaner(logs, configs)
    const groupRuntime = this.#groupRuntime(metadata, configs)
    const producerIds = new ProducerIds(metadata)
    const writeMarker = this.#markerWrites(hosted, groupRuntime)
    const transactions = this.#transactions(metadata, producerIds, writeMarker)
    const services = this.#services({
      metadata,
      configs,
      partitions: hosted,
      logs,
      moves,
      groupRuntime,
      producerIds,
      transactions,
      writeMarker,
    })
    sampleParts?.({
      metadata,
      partitions: hosted,
      logs,
      groupMachines: () => groupRuntime.machines,
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
    this.#undo.push(() => groupRuntime.close())
    this.#undo.push(() => transactions.close())
    session = await this.#register(metadata, logs)
    producerIds.session = session
    await reports.start(!logs.hadCleanShutdown)
    hosted.load(metadata.image())
    metadata.subscribe((image, changes, previous) => {
      hosted.applied(image, changes, previous)
      if (image.configs !== previous.configs) reports.configured()
    })
    await this.#loadGroups(services, groupRuntime)
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

  /** Metrics and health, where they are asked for: loaded only then. Gives what samples the parts once they are there. */
  async #openHttp(): Promise<((parts: BrokerParts) => void) | undefined> {
    const { config } = this.#options
    if (config.httpListener === undefined) return undefined
    const [{ HttpServer, HttpBindError }, { prometheusMetrics }, { sampleBroker }, { sampleProcess }] =
      await Promise.all([
        import('./http/http-server.ts'),
        import('./http/prometheus.ts'),
        import('./http/broker-metrics.ts'),
        import('./http/sources.ts'),
      ])
    const metrics = await prometheusMetrics()
    this.#metrics = metrics
    sampleProcess(metrics, this.#options.version)
    const server = await HttpServer.start({
      ...config.httpListener,
      metrics,
      notReady: () => this.#notReady ?? this.#fatal,
      logger: this.#logLevels.logger('sluice.http'),
    }).catch((error: unknown) => {
      throw error instanceof HttpBindError ? new StartError(error.message, { cause: error }) : error
    })
    this.#undo.push(() => server.close())
    this.#httpPort = server.port
    return (parts) => sampleBroker(metrics, parts)
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
    const { path } = logs.metadataDirectory
    const elsewhere = logs.online.find((each) => fs.exists(`${each.path}/${METADATA_DIRECTORY}`))
    if (elsewhere !== undefined && !fs.exists(`${path}/${METADATA_DIRECTORY}`)) {
      throw new StartError(
        `${path}: has no metadata, ${elsewhere.path} has; name that first in log.dirs, or as metadata.log.dir`,
      )
    }
    const clusterId = logs.clusterId
    const metadata = await EmbeddedStore.open({
      fs,
      directory: path,
      clock,
      random,
      logger: this.#logLevels.logger('sluice.cluster'),
      ...(clusterId !== undefined && { clusterId }),
      onBroken: (error) => this.#fail(error),
    })
    this.#undo.push(() => metadata.close())
    const image = metadata.image()
    this.#clusterId = image.clusterId
    logs.claim(image.clusterId, config.settings.nodeId)
    const unserved = unservedFeature(image)
    if (unserved !== undefined) throw new StartError(`${path}: ${unserved}`)
    await updateMetadata(metadata, (current) => finalizeFeatures(current))
    const unknown = logs.recognise((topic, partition) => {
      const known = image.topics.get(topic)
      const directories = known?.partitions[partition]?.directories
      return known?.partitions[partition] === undefined
        ? undefined
        : { topicId: known.id, directoryId: directories?.[config.settings.nodeId] }
    })
    if (unknown.length > 0) {
      logger.warn('partition directories that the metadata does not know are left alone', {
        count: unknown.length,
        first: unknown[0],
      })
    }
    return metadata
  }

  #hostPartitions(logs: LogDirectories, metadata: MetadataStore, configs: ConfigService): Hosting {
    const { config, clock } = this.#options
    const logger = this.#logLevels.logger('sluice.cluster')
    const { nodeId, sluiceValidateRecords, replicaLagTimeMaxMs } = config.settings
    const reports = new DirectoryReports({ brokerId: nodeId, metadata, logs, logger })
    const moves = new LogMoves({
      logs,
      clock,
      logger,
      maxBytesPerSecond: () => configs.moveBytesPerSecond,
      placed: (placements) => reports.placed(placements),
    })
    this.#undo.push(() => reports.close())
    this.#undo.push(() => moves.close())
    const partitions = new PartitionHost({
      brokerId: nodeId,
      logs,
      clock,
      logger: this.#logLevels.logger('sluice.cluster'),
      logConfig: (topic, image) => logConfigOf(configs.topic(topic, image), sluiceValidateRecords),
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

  #groupRuntime(metadata: MetadataStore, configs: ConfigService): GroupRuntime {
    const { config, clock } = this.#options
    const logger = this.#logLevels.logger('sluice.groups')
    const options = groupOptions(config, configs)
    const image = () => metadata.image()
    return new CoordinatorRuntime({
      topic: GROUP_METADATA_TOPIC,
      createMachine: (partition) =>
        new GroupMachine(options, image, logger.child({ groupsPartition: partition })),
      serde: groupSerde,
      refusal: refusalOf,
      clock,
      logger,
      writeTimeoutMs: config.settings.offsetsCommitTimeoutMs,
    })
  }

  /** Markers for partitions that this broker leads; those of groups go through their machines. */
  #markerWrites(partitions: PartitionHost, groups: GroupRuntime): WriteMarker {
    const { config, clock } = this.#options
    return async (topic, index, marker) => {
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
      partitionCount: partitionCount(
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
    readonly groupRuntime: GroupRuntime
    readonly producerIds: ProducerIds
    readonly transactions: TransactionParts
    readonly writeMarker: WriteMarker
  }): Services {
    const { config, clock, random } = this.#options
    const {
      metadata,
      configs,
      partitions,
      logs,
      moves,
      groupRuntime,
      producerIds,
      transactions,
      writeMarker,
    } = parts
    const offsetsPartitions = () => metadata.image().topics.get(GROUP_METADATA_TOPIC)?.partitions
    const groups = new GroupCoordinator({
      execute: (partition, command) => groupRuntime.execute(partition, command),
      partitionCount: partitionCount(
        metadata,
        GROUP_METADATA_TOPIC,
        config.settings.offsetsTopicNumPartitions,
      ),
      leaderOf: (partition) => offsetsPartitions()?.[partition]?.leader,
    })
    const topicDefaults = () => ({
      numPartitions: configs.broker.numPartitions,
      replicationFactor: configs.broker.defaultReplicationFactor,
    })
    return {
      nodeId: config.settings.nodeId,
      clock,
      random,
      logger: this.#logLevels.logger('sluice.apis'),
      logLevels: this.#logLevels,
      metadata,
      controller: new Controller({ store: metadata, random, topicDefaults }),
      partitions,
      logs,
      moves,
      groups,
      producerIds,
      transactions: transactions.coordinator,
      writeMarker,
      configs,
      fetchSessions: new FetchSessions(
        config.settings.maxIncrementalFetchSessionCacheSlots,
        () => random.bytes(4).readInt32BE(),
        () => this.#metrics.add('sluice_bounds_met_total', { bound: 'fetch.sessions', at: 'broker' }),
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
    const { config, clock } = this.#options
    const logger = this.#logLevels.logger('sluice.net')
    const { settings } = config
    const rates = connectionRates(settings)
    const requestQuota = services.quotas.request
    const metrics = networkMetrics(this.#metrics, (key) => apiByKey(key)?.name ?? 'unknown')
    const serve = dispatcher({ handlers: boundHandlers(services), clock, logger, metrics, requestQuota })
    let isReady = false
    void ready.then(() => {
      isReady = true
    })
    const server = await SocketServer.open(
      {
        listeners: config.listeners.listeners.map((listener) => ({
          ...listener,
          securityProtocol: 'PLAINTEXT' as const,
        })),
        backlog: settings.socketListenBacklogSize,
        maxRequestBytes: settings.socketRequestMaxBytes,
        maxIdleMs: settings.connectionsMaxIdleMs,
        maxQueuedRequestBytes: settings.sluiceMaxBytesInFlight,
        readAheadBytes: settings.sluiceMaxConnectionBytesInFlight,
        ...connectionLimits(services.configs, services.metadata.image()),
      },
      {
        clock,
        logger,
        metrics,
        connectionRates: rates,
        serve: (request, connection) =>
          isReady ? serve(request, connection) : ready.then(() => serve(request, connection)),
      },
    )
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
    this.#listeners = advertisedListeners(config, server)
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
  async #loadGroups(services: Services, runtime: GroupRuntime): Promise<void> {
    const { settings } = this.#options.config
    const { metadata, controller, partitions, groups } = services
    if (!metadata.image().topics.has(GROUP_METADATA_TOPIC)) {
      const wanted = offsetsTopic(settings, metadata.image())
      const [made] = await controller.createTopics([wanted], { validateOnly: false })
      if (made !== undefined && 'errorCode' in made) {
        throw new StartError(`${GROUP_METADATA_TOPIC} cannot be made: ${made.message}`)
      }
    }
    const followed = followCoordinatorTopic(GROUP_METADATA_TOPIC, metadata, partitions, runtime)
    this.#undo.push(() => followed.end())
    await followed.loaded
    this.#undo.push(
      metadata.subscribe((image, changes, previous) => {
        const changed = changedTopics(changes, previous)
        if (changed.names.size > 0) {
          for (const machine of runtime.machines) machine.topicsChanged(changed.names, changed.created)
        }
        const topics = deletedTopics(image, changes, previous)
        if (topics.length === 0) return
        groups.executeOnAll({ type: 'topicsDeleted', topics }).catch((err: unknown) => {
          this.#options.logger.error('offsets of deleted topics are left behind', { err })
        })
      }),
    )
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

function startError(error: unknown): unknown {
  const expected =
    error instanceof BindError || error instanceof LogDirectoryError || error instanceof MetadataStoreError
  if (expected) return new StartError(error.message, { cause: error })
  return isFileSystemError(error)
    ? new StartError(`the data directory cannot be used: ${error.message}`, { cause: error })
    : error
}

/** As Node makes them: the code of the system with the path, or the call where that has a descriptor only. */
function isFileSystemError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && ('path' in error || 'syscall' in error)
}

/** The advertised endpoints, with the ports that the system chose. */
function advertisedListeners(config: BrokerConfig, server: SocketServer): BrokerListener[] {
  return config.listeners.advertised.map(({ name, host, port }) => {
    const bound = server.listeners.find(({ options }) => options.name === name)
    return {
      name,
      host,
      port: port === 0 && bound !== undefined ? bound.port : port,
      securityProtocol: 'PLAINTEXT',
    }
  })
}

/**
 * Over how many partitions a coordinator's work is spread: what its topic had when it was first seen. As in Kafka,
 * partitions that it is given later count from the next start on, or groups would lose what they have committed while
 * they run.
 */
function partitionCount(metadata: MetadataStore, name: string, toBeMade: number): () => number {
  let seen: { readonly id: string; readonly count: number } | undefined
  return () => {
    const topic = metadata.image().topics.get(name)
    if (topic === undefined) return toBeMade
    if (seen?.id !== topic.id) seen = { id: topic.id, count: topic.partitions.length }
    return seen.count
  }
}

function groupOptions({ settings }: BrokerConfig, configs: ConfigService): GroupOptions {
  return {
    minSessionTimeoutMs: settings.groupMinSessionTimeoutMs,
    maxSessionTimeoutMs: settings.groupMaxSessionTimeoutMs,
    initialRebalanceDelayMs: settings.groupInitialRebalanceDelayMs,
    maxSize: settings.groupMaxSize,
    offsetMetadataMaxBytes: settings.offsetMetadataMaxBytes,
    offsetsRetentionMs: settings.offsetsRetentionMinutes * MINUTE_MS,
    offsetsRetentionCheckIntervalMs: settings.offsetsRetentionCheckIntervalMs,
    consumer: {
      maxSize: settings.groupConsumerMaxSize,
      assignors: settings.groupConsumerAssignors.map(assignorOf),
      migrationPolicy: parseMigrationPolicy(settings.groupConsumerMigrationPolicy),
      groupSettings: (groupId) => {
        const group = configs.group(groupId)
        return {
          sessionTimeoutMs: group.consumerSessionTimeoutMs,
          heartbeatIntervalMs: group.consumerHeartbeatIntervalMs,
          assignmentIntervalMs: group.consumerAssignmentIntervalMs,
        }
      },
    },
  }
}

/** By its name, or by that of Kafka's class. */
function assignorOf(name: string): PartitionAssignor {
  switch (name) {
    case 'uniform':
    case 'org.apache.kafka.coordinator.group.assignor.UniformAssignor':
      return uniformAssignor
    case 'range':
    case 'org.apache.kafka.coordinator.group.assignor.RangeAssignor':
      return rangeAssignor
    default:
      throw new StartError(`group.consumer.assignors: ${name}: only uniform and range are served`)
  }
}

/** `*` stands for all of `log.dirs`. */
function isCordoned(cordoned: readonly string[], path: string): boolean {
  return cordoned.some((each) => each === '*' || resolve(each) === path)
}

/** Topics that a commit has removed, those among them that were made again under their names. */
function deletedTopics(
  image: MetadataImage,
  changes: readonly MetadataChange[],
  previous: MetadataImage,
): { readonly name: string; readonly id: string }[] {
  return changes.flatMap((change) => {
    if (change.type !== 'deleteTopic') return []
    const id = previous.topics.get(change.topic)?.id
    return id === undefined || image.topicsById.has(id) ? [] : [{ name: change.topic, id }]
  })
}
