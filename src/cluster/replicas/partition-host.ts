/**
 * The replicas of this broker: follows the metadata, so that what the image says this broker holds is held, led and
 * served when a commit resolves. Kafka's `ReplicaManager` for the part that is state.
 */
import type { Clock, Timer } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { LogConfig } from '../../logstore/log-config.ts'
import type { LogDirectories } from '../../logstore/log-directories.ts'
import type { LogDirectory } from '../../logstore/log-directory.ts'
import { isOutOfRoom } from '../../logstore/log-errors.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import type { Placement } from '../controller/directories.ts'
import type { MetadataChange } from '../metadata/changes.ts'
import type { MetadataImage, PartitionImage, TopicImage } from '../metadata/image.ts'
import { Partition } from '../partition.ts'
import { HostedPartition } from './hosted-partition.ts'

export interface PartitionHostOptions {
  readonly brokerId: number
  readonly logs: LogDirectories
  readonly clock: Clock
  readonly logger: Logger
  /** What a topic's logs are to do, by its own configs in the image and the broker's. */
  readonly logConfig: (topic: string, image: MetadataImage) => LogConfig
  /** `min.insync.replicas` of a topic. */
  readonly minInsyncReplicas: (topic: string) => number
  readonly replicaLagTimeMaxMs: () => number
  readonly image: () => MetadataImage
  /** Where replicas are whose place the metadata does not know yet. */
  readonly placed: (placements: readonly Placement[]) => void
  /** Told of what concerns the copies that moves between log directories make. */
  readonly moves: LogMoveListener
}

/** What `LogMoves` has to know of the partitions. */
export interface LogMoveListener {
  /** Held from now on: a copy of it that was being made goes on. */
  opened(partition: HostedPartition, config: LogConfig): void
  /** About to be deleted, with its topic. */
  deleting(partition: HostedPartition): void
  configured(partition: HostedPartition, config: LogConfig): void
}

/**
 * How long new partitions are opened in one go, each of which costs a directory and some files. Those that are left
 * follow in slices of this length between other work, or when they are asked for.
 */
const SLICE_MS = 10
/** How long a partition that the disk has no room for waits until it is tried again. */
const ROOM_RETRY_MS = 1000

export class PartitionHost {
  readonly #options: PartitionHostOptions
  readonly #topics = new Map<string, HostedPartition[]>()
  /** Partitions whose log failed, or could not be opened: their topics' ids by `topic-partition`. */
  readonly #offline = new Map<string, string>()
  /** Partitions made by a commit whose logs are still to be made, by `topic-partition`. */
  readonly #unopened = new Map<string, { readonly topic: string; readonly partition: number }>()
  #slice: Timer | undefined
  /** Partitions whose logs the disk has no room for, by `topic-partition`. */
  readonly #roomless = new Map<
    string,
    { readonly topic: string; readonly partition: number; readonly isNew: boolean }
  >()
  #roomRetry: Timer | undefined
  #placements: Placement[] = []

  constructor(options: PartitionHostOptions) {
    this.#options = options
  }

  get(topic: string, partition: number): HostedPartition | undefined {
    return this.#topics.get(topic)?.[partition] ?? this.#openAsked(topic, partition)
  }

  *all(): Generator<HostedPartition, void, undefined> {
    for (const partitions of this.#topics.values()) {
      for (const partition of partitions) if (partition !== undefined) yield partition
    }
  }

  /** The error code for a partition that `get` has not: unknown, somebody else's, or on a disk that failed. */
  missing(topic: string, partition: number): number {
    const name = `${topic}-${partition}`
    if (this.#offline.has(name) || this.#roomless.has(name)) return ErrorCode.KAFKA_STORAGE_ERROR
    return this.#options.image().topics.get(topic)?.partitions[partition] === undefined
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.NOT_LEADER_OR_FOLLOWER
  }

  /** Takes up everything that the image gives this broker, when it starts. */
  load(image: MetadataImage): void {
    for (const topic of image.topics.values()) this.#applyTopic(topic, image, topic)
    this.#tellPlacements()
  }

  /** A commit, in the form of the store's listener. */
  applied(image: MetadataImage, changes: readonly MetadataChange[], previous: MetadataImage): void {
    const untilMs = this.#options.clock.monotonicMs() + SLICE_MS
    for (const name of touchedTopics(changes)) {
      const before = previous.topics.get(name)
      const topic = image.topics.get(name)
      if (before !== undefined && before.id !== topic?.id) this.#removeTopic(name)
      if (topic !== undefined) this.#applyTopic(topic, image, before, untilMs)
    }
    this.#openLater()
    this.#tellPlacements()
    this.#applyConfigs(image, changes)
  }

  /** Partitions whose log is in the directory are offline from now on, until a restart or until they are made anew. */
  directoryFailed(directory: LogDirectory): void {
    for (const partitions of this.#topics.values()) {
      for (const [index, hosted] of partitions.entries()) {
        if (hosted === undefined || directory.get(hosted.topic, index) !== hosted.log) continue
        delete partitions[index]
        this.#offline.set(`${hosted.topic}-${index}`, hosted.topicId)
        hosted.close(ErrorCode.KAFKA_STORAGE_ERROR)
      }
    }
  }

  /** Serves nothing any more; the logs are closed by their directory. */
  close(): void {
    this.#slice?.cancel()
    this.#roomRetry?.cancel()
    this.#unopened.clear()
    this.#roomless.clear()
    for (const partition of this.all()) partition.close()
    this.#topics.clear()
  }

  /** @param untilMs when new partitions are no longer opened but noted, by the monotonic clock */
  #applyTopic(
    topic: TopicImage,
    image: MetadataImage,
    before: TopicImage | undefined,
    untilMs = Number.POSITIVE_INFINITY,
  ): void {
    const { brokerId, clock } = this.#options
    const hosted = this.#topics.get(topic.name)
    for (const partition of topic.partitions) {
      if (!partition.replicas.includes(brokerId)) continue
      const known = hosted?.[partition.partition]
      if (known !== undefined) {
        known.apply(partition)
        continue
      }
      const name = `${topic.name}-${partition.partition}`
      if (this.#offline.get(name) === topic.id || this.#unopened.has(name) || this.#roomless.has(name))
        continue
      const isNew = before?.id !== topic.id || before.partitions[partition.partition] === undefined
      if (isNew && clock.monotonicMs() >= untilMs) {
        this.#unopened.set(name, { topic: topic.name, partition: partition.partition })
      } else this.#host(topic, partition, image, isNew)
    }
  }

  #host(topic: TopicImage, partition: PartitionImage, image: MetadataImage, isNew: boolean): void {
    const name = `${topic.name}-${partition.partition}`
    let hosted = this.#topics.get(topic.name)
    if (hosted === undefined) {
      hosted = []
      this.#topics.set(topic.name, hosted)
    }
    try {
      const opened = this.#open(topic, partition, image, isNew)
      if (opened === undefined) return
      hosted[partition.partition] = opened
      this.#offline.delete(name)
      this.#roomless.delete(name)
    } catch (error) {
      const isKnown = this.#roomless.delete(name)
      if (isOutOfRoom(error)) {
        this.#roomless.set(name, { topic: topic.name, partition: partition.partition, isNew })
        this.#tryAgainLater()
        if (isKnown) return
      } else this.#offline.set(name, topic.id)
      this.#options.logger.error('partition is offline', {
        topic: topic.name,
        partition: partition.partition,
        err: error,
      })
    }
  }

  #openAsked(topic: string, partition: number): HostedPartition | undefined {
    if (this.#unopened.size === 0 || !this.#unopened.delete(`${topic}-${partition}`)) return undefined
    this.#openNew(topic, partition)
    this.#tellPlacements()
    return this.#topics.get(topic)?.[partition]
  }

  #openNew(topic: string, partition: number, isNew = true): void {
    const image = this.#options.image()
    const found = image.topics.get(topic)
    const state = found?.partitions[partition]
    if (found !== undefined && state !== undefined) this.#host(found, state, image, isNew)
  }

  /** Until the disk has room for all. */
  #tryAgainLater(): void {
    this.#roomRetry ??= this.#options.clock.setTimer(ROOM_RETRY_MS, () => {
      this.#roomRetry = undefined
      for (const { topic, partition, isNew } of [...this.#roomless.values()])
        this.#openNew(topic, partition, isNew)
      this.#tellPlacements()
    })
  }

  #openLater(): void {
    if (this.#unopened.size === 0 || this.#slice !== undefined) return
    const { clock } = this.#options
    this.#slice = clock.setTimer(0, () => {
      this.#slice = undefined
      const untilMs = clock.monotonicMs() + SLICE_MS
      for (const [name, { topic, partition }] of this.#unopened) {
        this.#unopened.delete(name)
        this.#openNew(topic, partition)
        if (clock.monotonicMs() >= untilMs) break
      }
      this.#tellPlacements()
      this.#openLater()
    })
  }

  /** Undefined where its log is in a directory that cannot be used. */
  #open(
    topic: TopicImage,
    image: PartitionImage,
    metadata: MetadataImage,
    isNew: boolean,
  ): HostedPartition | undefined {
    const { brokerId, logs, clock, logConfig, minInsyncReplicas, replicaLagTimeMaxMs, moves } = this.#options
    const identity = { topic: topic.name, topicId: topic.id, partition: image.partition }
    const config = logConfig(topic.name, metadata)
    const directoryId = image.directories?.[brokerId]
    const opened = logs.openOrCreate(identity, config, { directoryId, isNew })
    if (opened === undefined) return undefined
    if (opened.directory.id !== directoryId)
      this.#placements.push({ ...identity, directoryId: opened.directory.id })
    const state = new Partition({
      partition: image.partition,
      brokerId,
      replicaLagTimeMaxMs,
      minInsyncReplicas: () => minInsyncReplicas(topic.name),
      mayJoinIsr: (id, epoch) => {
        const broker = this.#options.image().brokers.get(id)
        return broker !== undefined && !broker.fenced && (epoch === -1 || epoch === broker.epoch)
      },
    })
    const hosted = new HostedPartition(identity, opened.log, state, clock)
    hosted.apply(image)
    moves.opened(hosted, config)
    return hosted
  }

  #tellPlacements(): void {
    if (this.#placements.length > 0) this.#options.placed(this.#placements)
    this.#placements = []
  }

  #removeTopic(name: string): void {
    const { logs, logger, moves } = this.#options
    const held = (this.#topics.get(name) ?? []).filter((hosted) => hosted !== undefined)
    for (const hosted of held) {
      hosted.close()
      moves.deleting(hosted)
    }
    try {
      logs.delete(held.map(({ log }) => log))
    } catch (err) {
      logger.error('logs of a deleted topic are left behind', { topic: name, partitions: held.length, err })
    }
    this.#topics.delete(name)
    for (const partitions of [this.#offline, this.#unopened, this.#roomless]) {
      for (const partition of partitions.keys()) {
        if (partition.slice(0, partition.lastIndexOf('-')) === name) partitions.delete(partition)
      }
    }
  }

  #applyConfigs(image: MetadataImage, changes: readonly MetadataChange[]): void {
    const topics = new Set<string>()
    let all = false
    for (const change of changes) {
      if (change.type !== 'setConfig' && change.type !== 'removeConfig') continue
      if (change.resource.type === 'topic') topics.add(change.resource.name)
      else if (change.resource.type === 'broker') all = true
    }
    for (const name of all ? this.#topics.keys() : topics) {
      const partitions = this.#topics.get(name)
      if (partitions === undefined) continue
      const config = this.#options.logConfig(name, image)
      for (const hosted of partitions) {
        if (hosted === undefined) continue
        hosted.log.updateConfig(config)
        this.#options.moves.configured(hosted, config)
      }
    }
  }
}

function touchedTopics(changes: readonly MetadataChange[]): Set<string> {
  const names = new Set<string>()
  for (const change of changes) {
    switch (change.type) {
      case 'createTopic':
        names.add(change.topic.name)
        break
      case 'deleteTopic':
      case 'createPartitions':
      case 'changePartition':
        names.add(change.topic)
        break
      default:
        break
    }
  }
  return names
}
