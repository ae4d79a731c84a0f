/**
 * The replicas of this broker: follows the metadata, so that what the image says this broker holds is held, led and
 * served when a commit resolves. Kafka's `ReplicaManager` for the part that is state.
 */
import type { Clock, Timer } from '../../base/clock.ts'
import { invariant } from '../../base/invariant.ts'
import type { Logger } from '../../base/logger.ts'
import { runAtOnce, type Steps } from '../../base/steps.ts'
import type { LogConfig } from '../../logstore/log-config.ts'
import type { LogDirectories } from '../../logstore/log-directories.ts'
import type { LogDirectory, TopicPartitionId } from '../../logstore/log-directory.ts'
import { isOutOfRoom } from '../../logstore/log-errors.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import type { Placement } from '../controller/directories.ts'
import type { MetadataChange } from '../metadata/changes.ts'
import type { MetadataImage, PartitionImage, TopicImage } from '../metadata/image.ts'
import { Partition } from '../partition.ts'
import { HostedPartition } from './hosted-partition.ts'
import { SLICE_MS, type UnopenedPartition, UnopenedPartitions } from './unopened-partitions.ts'

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

/** How long a partition that the disk has no room for waits until it is tried again. */
const ROOM_RETRY_MS = 1000

export class PartitionHost {
  readonly #options: PartitionHostOptions
  readonly #topics = new Map<string, HostedPartition[]>()
  /** Partitions whose log failed, or could not be opened: their topics' ids by `topic-partition`. */
  readonly #offline = new Map<string, string>()
  readonly #unopened: UnopenedPartitions
  readonly #onRoom = new Set<(partition: HostedPartition) => void>()
  /** Partitions whose logs the disk has no room for, by `topic-partition`. */
  readonly #roomless = new Map<string, UnopenedPartition>()
  #roomRetry: Timer | undefined
  #placements: Placement[] = []

  constructor(options: PartitionHostOptions) {
    this.#options = options
    this.#unopened = new UnopenedPartitions({
      clock: options.clock,
      open: (unopened) => this.#hosting(unopened),
      turnEnded: () => this.#tellPlacements(),
    })
  }

  /**
   * Opens the partition where nobody has yet, unless it takes long: it is the next then, and `missing` answers for it
   * until it is open.
   */
  get(topic: string, partition: number): HostedPartition | undefined {
    const hosted = this.#topics.get(topic)?.[partition]
    if (hosted !== undefined || !this.#unopened.openAsked(topic, partition)) return hosted
    this.#tellPlacements()
    return this.#topics.get(topic)?.[partition]
  }

  /** As `get`, however long it takes. */
  getAtOnce(topic: string, partition: number): HostedPartition | undefined {
    this.#unopened.openAtOnce(topic, partition)
    return this.get(topic, partition)
  }

  /** How many are still to be opened. */
  get unopenedCount(): number {
    return this.#unopened.count
  }

  /** Calls `listener`, which must not throw, for each partition that is open only now that its disk has room. */
  subscribeToRoom(listener: (partition: HostedPartition) => void): () => void {
    this.#onRoom.add(listener)
    return () => this.#onRoom.delete(listener)
  }

  /** Resolves when none is left to be opened. */
  allOpened(): Promise<void> {
    return this.#unopened.none()
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

  /**
   * Takes up everything that the image gives this broker, when it starts. Logs are opened, and recovered where it has to
   * be, when somebody asks for them, and the others between other work.
   */
  load(image: MetadataImage): void {
    for (const topic of image.topics.values()) this.#applyTopic(topic, topic, Number.NEGATIVE_INFINITY)
    this.#unopened.openLater()
  }

  /** A commit, in the form of the store's listener. */
  applied(image: MetadataImage, changes: readonly MetadataChange[], previous: MetadataImage): void {
    const untilMs = this.#options.clock.monotonicMs() + SLICE_MS
    const touched = touchedTopics(changes)
    this.#removeTopics([...touched].filter((name) => isRemoved(name, image, previous)))
    for (const name of touched) {
      const topic = image.topics.get(name)
      if (topic !== undefined) this.#applyTopic(topic, previous.topics.get(name), untilMs)
    }
    this.#unopened.openLater()
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
    const { logs } = this.#options
    for (const { topic, topicId, partition } of this.#unopened.giveUp((each) =>
      logs.wasFoundIn(directory, each.topic, each.partition),
    )) {
      this.#offline.set(`${topic}-${partition}`, topicId)
    }
  }

  /** Serves nothing any more; the logs are closed by their directory. */
  close(): void {
    this.#roomRetry?.cancel()
    this.#unopened.close()
    this.#roomless.clear()
    for (const partition of this.all()) partition.close()
    this.#topics.clear()
  }

  /** @param untilMs when partitions are no longer opened but noted, by the monotonic clock */
  #applyTopic(topic: TopicImage, before: TopicImage | undefined, untilMs: number): void {
    const { brokerId, clock } = this.#options
    const hosted = this.#topics.get(topic.name)
    for (const state of topic.partitions) {
      if (!state.replicas.includes(brokerId)) continue
      const { partition } = state
      const known = hosted?.[partition]
      if (known !== undefined) {
        known.apply(state)
        continue
      }
      const name = `${topic.name}-${partition}`
      if (this.#offline.get(name) === topic.id || this.#roomless.has(name)) continue
      if (this.#unopened.has(topic.name, partition)) continue
      const isNew = before?.id !== topic.id || before.partitions[partition] === undefined
      const unopened = { topic: topic.name, topicId: topic.id, partition, isNew }
      if (clock.monotonicMs() < untilMs) runAtOnce(this.#hosting(unopened))
      else this.#unopened.add(unopened)
    }
  }

  /** Never throws: what cannot be opened is offline. */
  *#hosting(unopened: UnopenedPartition): Steps<void> {
    const { topic, topicId, partition, isNew } = unopened
    const name = `${topic}-${partition}`
    try {
      const opened = yield* this.#opening(topic, topicId, partition, isNew)
      if (opened === undefined) return
      let hosted = this.#topics.get(topic)
      if (hosted === undefined) {
        hosted = []
        this.#topics.set(topic, hosted)
      }
      hosted[partition] = opened
      this.#offline.delete(name)
      if (this.#roomless.delete(name)) for (const listener of this.#onRoom) listener(opened)
    } catch (error) {
      const isKnown = this.#roomless.delete(name)
      if (isOutOfRoom(error)) {
        this.#roomless.set(name, unopened)
        this.#tryAgainLater()
        if (isKnown) return
      } else this.#offline.set(name, topicId)
      this.#options.logger.error('partition is offline', { topic, partition, err: error })
    }
  }

  /** Until the disk has room for all. */
  #tryAgainLater(): void {
    this.#roomRetry ??= this.#options.clock.setTimer(ROOM_RETRY_MS, () => {
      this.#roomRetry = undefined
      for (const unopened of this.#roomless.values()) this.#unopened.add(unopened)
      this.#unopened.openLater()
    })
  }

  /** Undefined where its log is in a directory that cannot be used, or it has gone. */
  *#opening(
    topic: string,
    topicId: string,
    partition: number,
    isNew: boolean,
  ): Steps<HostedPartition | undefined> {
    const { brokerId, logs, clock, logConfig, minInsyncReplicas, replicaLagTimeMaxMs, moves } = this.#options
    const identity = { topic, topicId, partition }
    const { configs } = this.#options.image()
    const config = logConfig(topic, this.#options.image())
    const directoryId = this.#state(identity)?.directories?.[brokerId]
    const opened = yield* logs.opening(identity, config, { directoryId, isNew })
    if (opened === undefined) return undefined
    // As it is now: others have had their turn.
    const image = this.#state(identity)
    invariant(image !== undefined, `${topic}-${partition} is there while it is opened`)
    if (this.#options.image().configs !== configs)
      opened.log.updateConfig(logConfig(topic, this.#options.image()))
    if (opened.directory.id !== image.directories?.[brokerId])
      this.#placements.push({ ...identity, directoryId: opened.directory.id })
    const state = new Partition({
      partition,
      brokerId,
      replicaLagTimeMaxMs,
      minInsyncReplicas: () => minInsyncReplicas(topic),
      mayJoinIsr: (id, epoch) => {
        const broker = this.#options.image().brokers.get(id)
        return broker !== undefined && !broker.fenced && (epoch === -1 || epoch === broker.epoch)
      },
    })
    const hosted = new HostedPartition(identity, opened.log, state, clock)
    hosted.apply(image)
    moves.opened(hosted, opened.log.config)
    return hosted
  }

  #state({ topic, topicId, partition }: TopicPartitionId): PartitionImage | undefined {
    const found = this.#options.image().topics.get(topic)
    return found?.id === topicId ? found.partitions[partition] : undefined
  }

  #tellPlacements(): void {
    if (this.#placements.length > 0) this.#options.placed(this.#placements)
    this.#placements = []
  }

  /** All at once: what they cost the disk, they share. */
  #removeTopics(names: readonly string[]): void {
    if (names.length === 0) return
    const { logs, logger, moves } = this.#options
    const held = names.flatMap((name) => this.#topics.get(name) ?? []).filter((each) => each !== undefined)
    const removed = new Set(names)
    const unopened = this.#unopened.giveUp(({ topic }) => removed.has(topic))
    for (const hosted of held) {
      hosted.close()
      moves.deleting(hosted)
    }
    try {
      logs.delete(held.map(({ log }) => log))
      logs.deleteFound(unopened)
    } catch (err) {
      logger.error('logs of deleted topics are left behind', {
        topics: names.length,
        first: names[0],
        partitions: held.length + unopened.length,
        err,
      })
    }
    for (const name of names) this.#topics.delete(name)
    for (const partitions of [this.#offline, this.#roomless]) {
      for (const partition of partitions.keys()) {
        if (removed.has(partition.slice(0, partition.lastIndexOf('-')))) partitions.delete(partition)
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

/** Also where another of its name has been made. */
function isRemoved(name: string, image: MetadataImage, previous: MetadataImage): boolean {
  const before = previous.topics.get(name)
  return before !== undefined && before.id !== image.topics.get(name)?.id
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
