/**
 * What can happen to the metadata, and what becomes of an image then: after Kafka's metadata records and its
 * `MetadataDelta`. A change states the outcome and not the operation (a partition with its new epochs, not "elect"), so
 * that it can be kept in a log, replayed, or found by comparing two values of a key.
 */
import { invariant } from '../../base/invariant.ts'
import { hasCollisionCharacters, unifiedTopicName } from '../topic-names.ts'
import {
  type BrokerRegistration,
  type ConfigResource,
  configResourceKey,
  type EntityQuotas,
  type MetadataImage,
  type PartitionImage,
  type QuotaEntity,
  quotaEntityKey,
  type ResourceKey,
  type TopicImage,
} from './image.ts'
import { type MapEdit, PersistentMap } from './persistent-map.ts'

export type MetadataChange =
  | { readonly type: 'formCluster'; readonly clusterId: string }
  | { readonly type: 'registerBroker'; readonly broker: BrokerRegistration }
  | { readonly type: 'unregisterBroker'; readonly brokerId: number }
  | { readonly type: 'fenceBroker'; readonly brokerId: number }
  /** The log directories that it can use from now on. */
  | {
      readonly type: 'setBrokerDirectories'
      readonly brokerId: number
      readonly directories: readonly string[]
      readonly isCordoned: boolean
    }
  | { readonly type: 'createTopic'; readonly topic: TopicImage }
  /** Removes the topic's configs too. */
  | { readonly type: 'deleteTopic'; readonly topic: string }
  /** `partitions` follow those that the topic has. */
  | {
      readonly type: 'createPartitions'
      readonly topic: string
      readonly partitions: readonly PartitionImage[]
    }
  /** The partition as it is from now on; `withLeader` and `withIsr` make it. */
  | { readonly type: 'changePartition'; readonly topic: string; readonly partition: PartitionImage }
  | {
      readonly type: 'setConfig'
      readonly resource: ConfigResource
      readonly key: string
      readonly value: string
    }
  | { readonly type: 'removeConfig'; readonly resource: ConfigResource; readonly key: string }
  | {
      readonly type: 'setClientQuota'
      readonly entity: QuotaEntity
      readonly key: string
      readonly value: number
    }
  | { readonly type: 'removeClientQuota'; readonly entity: QuotaEntity; readonly key: string }
  /** The broker has been given the ids below `nextProducerId` that nobody had: Kafka's `ProducerIdsRecord`. */
  | {
      readonly type: 'allocateProducerIds'
      readonly brokerId: number
      readonly brokerEpoch: number
      readonly nextProducerId: number
    }
  /** Level 0 says that the feature is off by choice, which a feature that was never set is not. */
  | { readonly type: 'setFeature'; readonly feature: string; readonly level: number }

/** The resources that a change writes. */
export function touchedKeys(change: MetadataChange): readonly ResourceKey[] {
  switch (change.type) {
    case 'formCluster':
      return ['cluster']
    case 'registerBroker':
      return [`broker/${change.broker.id}`]
    case 'unregisterBroker':
    case 'fenceBroker':
    case 'setBrokerDirectories':
      return [`broker/${change.brokerId}`]
    case 'createTopic':
      return [`topic/${change.topic.name}`, ...collisionKey(change.topic.name)]
    case 'deleteTopic':
      return [`topic/${change.topic}`, `config/topic/${change.topic}`, ...collisionKey(change.topic)]
    case 'createPartitions':
    case 'changePartition':
      return [`topic/${change.topic}`]
    case 'setConfig':
    case 'removeConfig':
      return [`config/${configResourceKey(change.resource.type, change.resource.name)}`]
    case 'setClientQuota':
    case 'removeClientQuota':
      return [`quota/${quotaEntityKey(change.entity)}`]
    case 'allocateProducerIds':
      return ['producer-ids']
    case 'setFeature':
      return [`feature/${change.feature}`]
    default:
      return change satisfies never
  }
}

/** Of two topics that are made at once, whose names differ in `.` and `_` only, one has to lose. */
function collisionKey(topic: string): ResourceKey[] {
  return hasCollisionCharacters(topic) ? [`topic-form/${unifiedTopicName(topic)}`] : []
}

/**
 * The image after the changes of one commit, which makes it `version`. A change that does not fit the image (a
 * partition of a topic that does not exist, an epoch that goes back) is a bug of whoever made it: InvariantError, and
 * no image.
 */
export function applyChanges(
  image: MetadataImage,
  changes: readonly MetadataChange[],
  version: number,
): MetadataImage {
  const delta = new Delta(image, version)
  for (const change of changes) delta.apply(change)
  return delta.image()
}

export function applyChange(image: MetadataImage, change: MetadataChange, version: number): MetadataImage {
  return applyChanges(image, [change], version)
}

/** The changes that make this image from an empty one, for a snapshot. */
export function* changesOf(image: MetadataImage): Generator<MetadataChange, void, undefined> {
  if (image.clusterId !== '') yield { type: 'formCluster', clusterId: image.clusterId }
  for (const [feature, level] of image.features) yield { type: 'setFeature', feature, level }
  for (const broker of image.brokers.values()) yield { type: 'registerBroker', broker }
  for (const topic of image.topics.values()) yield { type: 'createTopic', topic }
  for (const [resourceKey, entries] of image.configs) {
    const resource = parseConfigResourceKey(resourceKey)
    for (const [key, value] of entries) yield { type: 'setConfig', resource, key, value }
  }
  for (const { entity, values } of image.clientQuotas.values()) {
    for (const [key, value] of values) yield { type: 'setClientQuota', entity, key, value }
  }
  if (image.nextProducerId !== 0) {
    const nextProducerId = image.nextProducerId
    yield { type: 'allocateProducerIds', brokerId: -1, brokerEpoch: -1, nextProducerId }
  }
}

/** Collects the changes of one commit. */
class Delta {
  readonly #version: number
  readonly #brokers: MapEdit<number, BrokerRegistration>
  readonly #topics: MapEdit<string, TopicImage>
  readonly #topicsById: MapEdit<string, TopicImage>
  readonly #configs: MapEdit<string, ReadonlyMap<string, string>>
  readonly #clientQuotas: MapEdit<string, EntityQuotas>
  readonly #features: MapEdit<string, number>
  readonly #modVersions: MapEdit<ResourceKey, number>
  /** Partitions that were copied here, so that many changes of one topic copy them once. */
  readonly #copied = new Map<string, PartitionImage[]>()
  #clusterId: string
  #nextProducerId: number

  constructor(image: MetadataImage, version: number) {
    this.#version = version
    this.#brokers = edit(image.brokers)
    this.#topics = edit(image.topics)
    this.#topicsById = edit(image.topicsById)
    this.#configs = edit(image.configs)
    this.#clientQuotas = edit(image.clientQuotas)
    this.#features = edit(image.features)
    this.#modVersions = edit(image.modVersions)
    this.#clusterId = image.clusterId
    this.#nextProducerId = image.nextProducerId
  }

  image(): MetadataImage {
    return {
      version: this.#version,
      clusterId: this.#clusterId,
      brokers: this.#brokers.done(),
      topics: this.#topics.done(),
      topicsById: this.#topicsById.done(),
      configs: this.#configs.done(),
      clientQuotas: this.#clientQuotas.done(),
      nextProducerId: this.#nextProducerId,
      features: this.#features.done(),
      modVersions: this.#modVersions.done(),
    }
  }

  apply(change: MetadataChange): void {
    switch (change.type) {
      case 'formCluster':
        invariant(this.#clusterId === '', `cluster ${this.#clusterId} is formed once`)
        this.#clusterId = change.clusterId
        break
      case 'registerBroker':
        this.#registerBroker(change.broker)
        break
      case 'unregisterBroker':
        this.#broker(change.brokerId)
        this.#brokers.delete(change.brokerId)
        this.#forget(change)
        return
      case 'fenceBroker': {
        const broker = this.#broker(change.brokerId)
        this.#brokers.set(broker.id, { ...broker, fenced: true })
        break
      }
      case 'setBrokerDirectories': {
        const broker = this.#broker(change.brokerId)
        const { directories, isCordoned } = change
        this.#brokers.set(broker.id, { ...broker, directories, isCordoned })
        break
      }
      case 'createTopic':
        this.#createTopic(change.topic)
        break
      case 'deleteTopic': {
        const topic = this.#topic(change.topic)
        this.#topics.delete(topic.name)
        this.#topicsById.delete(topic.id)
        this.#configs.delete(configResourceKey('topic', topic.name))
        this.#forget(change)
        return
      }
      case 'createPartitions': {
        const topic = this.#topic(change.topic)
        this.#putTopic({ ...topic, partitions: [...topic.partitions, ...change.partitions] })
        break
      }
      case 'changePartition':
        this.#changePartition(this.#topic(change.topic), change.partition)
        break
      case 'setConfig':
      case 'removeConfig':
        if (this.#changeConfig(change) === 0) {
          this.#forget(change)
          return
        }
        break
      case 'setClientQuota':
      case 'removeClientQuota':
        if (this.#changeClientQuota(change) === 0) {
          this.#forget(change)
          return
        }
        break
      case 'allocateProducerIds':
        invariant(
          change.nextProducerId > this.#nextProducerId,
          `producer ids are given out once: ${change.nextProducerId} after ${this.#nextProducerId}`,
        )
        this.#nextProducerId = change.nextProducerId
        break
      case 'setFeature':
        this.#features.set(change.feature, change.level)
        break
      default:
        change satisfies never
    }
    for (const key of touchedKeys(change)) this.#modVersions.set(key, this.#version)
  }

  #registerBroker(broker: BrokerRegistration): void {
    const previous = this.#brokers.get(broker.id)
    invariant(
      previous === undefined || broker.epoch > previous.epoch,
      `broker ${broker.id}: epoch ${broker.epoch} follows ${previous?.epoch}`,
    )
    this.#brokers.set(broker.id, broker)
  }

  #createTopic(topic: TopicImage): void {
    invariant(!this.#topics.has(topic.name), `topic ${topic.name} is new`)
    invariant(!this.#topicsById.has(topic.id), `topic id ${topic.id} is new`)
    this.#putTopic(topic)
  }

  #changePartition(topic: TopicImage, partition: PartitionImage): void {
    const name = `${topic.name}-${partition.partition}`
    const previous = topic.partitions[partition.partition]
    invariant(previous !== undefined, `partition ${name} exists`)
    invariant(
      partition.partitionEpoch > previous.partitionEpoch,
      `${name}: partition epoch ${partition.partitionEpoch} follows ${previous.partitionEpoch}`,
    )
    // A leader epoch that goes back, or that two leaders share, is what truncation and clients cannot survive.
    invariant(
      partition.leader === previous.leader
        ? partition.leaderEpoch >= previous.leaderEpoch
        : partition.leaderEpoch > previous.leaderEpoch,
      `${name}: leader ${partition.leader} in epoch ${partition.leaderEpoch} follows leader ${previous.leader} in epoch ${previous.leaderEpoch}`,
    )
    let partitions = this.#copied.get(topic.name)
    if (partitions === undefined || partitions !== topic.partitions) {
      partitions = [...topic.partitions]
      this.#copied.set(topic.name, partitions)
      this.#setTopic({ ...topic, partitions })
    }
    partitions[partition.partition] = partition
  }

  /** Returns how many entries the resource is left with; without any there is no such resource. */
  #changeConfig(change: MetadataChange & { type: 'setConfig' | 'removeConfig' }): number {
    const resourceKey = configResourceKey(change.resource.type, change.resource.name)
    const entries = new Map(this.#configs.get(resourceKey))
    if (change.type === 'setConfig') entries.set(change.key, change.value)
    else entries.delete(change.key)
    if (entries.size === 0) this.#configs.delete(resourceKey)
    else this.#configs.set(resourceKey, entries)
    return entries.size
  }

  /** Returns how many values the entity is left with; without any there is no such entity. */
  #changeClientQuota(change: MetadataChange & { type: 'setClientQuota' | 'removeClientQuota' }): number {
    const entityKey = quotaEntityKey(change.entity)
    const values = new Map(this.#clientQuotas.get(entityKey)?.values)
    if (change.type === 'setClientQuota') {
      invariant(
        Number.isFinite(change.value) && change.value > 0,
        `quota ${change.key} of ${entityKey} is above 0`,
      )
      values.set(change.key, change.value)
    } else values.delete(change.key)
    if (values.size === 0) this.#clientQuotas.delete(entityKey)
    else this.#clientQuotas.set(entityKey, { entity: change.entity, values })
    return values.size
  }

  #putTopic(topic: TopicImage): void {
    invariant(
      topic.partitions.every((partition, index) => partition.partition === index),
      `partitions of topic ${topic.name} are numbered from 0 without a gap`,
    )
    this.#setTopic(topic)
  }

  #setTopic(topic: TopicImage): void {
    this.#topics.set(topic.name, topic)
    this.#topicsById.set(topic.id, topic)
  }

  #broker(id: number): BrokerRegistration {
    const broker = this.#brokers.get(id)
    invariant(broker !== undefined, `broker ${id} is registered`)
    return broker
  }

  #topic(name: string): TopicImage {
    const topic = this.#topics.get(name)
    invariant(topic !== undefined, `topic ${name} exists`)
    return topic
  }

  #forget(change: MetadataChange): void {
    for (const key of touchedKeys(change)) this.#modVersions.delete(key)
  }
}

function edit<K extends string | number, V extends NonNullable<unknown>>(
  map: ReadonlyMap<K, V>,
): MapEdit<K, V> {
  return (map instanceof PersistentMap ? map : PersistentMap.from(map)).edit()
}

function parseConfigResourceKey(key: string): ConfigResource {
  const slash = key.indexOf('/')
  // The key was made by configResourceKey, whose types have no slash.
  return { type: key.slice(0, slash) as ConfigResource['type'], name: key.slice(slash + 1) }
}

/** What an assignment of partitions depends on: topics that come, go, grow, or have other replicas. */
export function changedTopics(
  changes: readonly MetadataChange[],
  previous: MetadataImage,
): { readonly names: ReadonlySet<string>; readonly created: boolean } {
  const names = new Set<string>()
  let created = false
  for (const change of changes) {
    if (change.type === 'createTopic') {
      names.add(change.topic.name)
      created = true
    } else if (change.type === 'deleteTopic' || change.type === 'createPartitions') names.add(change.topic)
    else if (change.type === 'changePartition') {
      const { partition, replicas } = change.partition
      const before = previous.topics.get(change.topic)?.partitions[partition]?.replicas
      if (before?.join() !== replicas.join()) names.add(change.topic)
    }
  }
  return { names, created }
}
