/**
 * All that the brokers of a cluster have agreed on, at one version: Kafka's `MetadataImage`. Immutable; a change makes
 * a new image that shares what did not change (see `changes.ts`).
 *
 * Every part of it belongs to one resource (a topic, a broker, the configs of one thing …), and each resource has a
 * key and the version that last changed it, so that a store can refuse a change that was decided on a stale part
 * without refusing those that touch other resources.
 */
import { PersistentMap } from './persistent-map.ts'

export interface MetadataImage {
  /** Grows with every commit; 0 before the first. */
  readonly version: number
  /** Empty before the cluster is formed. */
  readonly clusterId: string
  readonly brokers: ReadonlyMap<number, BrokerRegistration>
  readonly topics: ReadonlyMap<string, TopicImage>
  readonly topicsById: ReadonlyMap<string, TopicImage>
  /** By `configResourceKey`; read it with `configsOf`. */
  readonly configs: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** Of users, clients and addresses, by `quotaEntityKey`; an entity without values is not there. */
  readonly clientQuotas: ReadonlyMap<string, EntityQuotas>
  /** First producer id that no broker has been given yet. */
  readonly nextProducerId: number
  /** Finalized feature levels; 0 for a feature that was turned off. Read it with `featureLevel`. */
  readonly features: ReadonlyMap<string, number>
  /** The version that last changed each resource, by resource key; a resource that does not exist has none. */
  readonly modVersions: ReadonlyMap<ResourceKey, number>
}

export interface BrokerRegistration {
  readonly id: number
  /** Grows with every registration of this id. */
  readonly epoch: number
  /** New with every start of the process. */
  readonly incarnationId: string
  readonly rack: string | null
  readonly listeners: readonly BrokerListener[]
  /** Ids of its log directories that can be used; absent where it has not said. */
  readonly directories?: readonly string[]
  /** New partitions are to keep out of all of them (`cordoned.log.dirs`). */
  readonly isCordoned?: boolean
  /** Registered, but not to be given leadership or named to clients: it holds no lease now. */
  readonly fenced: boolean
}

export interface BrokerListener {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly securityProtocol: string
}

export interface TopicImage {
  readonly name: string
  readonly id: string
  /** Partition i stands at index i. */
  readonly partitions: readonly PartitionImage[]
}

export interface PartitionImage {
  readonly partition: number
  /** In order of preference: the first is the preferred leader. */
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** -1 for none. */
  readonly leader: number
  /** Grows by one with every election, also when the same broker is elected again. */
  readonly leaderEpoch: number
  /** Grows by one with every change of this partition. */
  readonly partitionEpoch: number
  /** In which log directory each broker has its replica, by broker id; absent for those that have not said. */
  readonly directories?: Readonly<Record<number, string>>
}

export const NO_LEADER = -1

/** A broker resource with the empty name holds the defaults of all brokers. */
export type ConfigResourceType = 'topic' | 'broker' | 'group' | 'client-metrics'

export interface ConfigResource {
  readonly type: ConfigResourceType
  readonly name: string
}

/**
 * Whom a quota is for (Kafka's `ClientQuotaEntity`): a user, a client id, both, or an address. Null is the default of
 * its kind, for all that have no quota of their own.
 */
export interface QuotaEntity {
  readonly user?: string | null
  readonly clientId?: string | null
  readonly ip?: string | null
}

export interface EntityQuotas {
  readonly entity: QuotaEntity
  /** By Kafka's name of the quota, such as `producer_byte_rate`; finite and above 0. */
  readonly values: ReadonlyMap<string, number>
}

/** `topic/NAME`, `topic-form/NAME` for what names with `.` or `_` have in common, `broker/ID`, `config/TYPE/NAME`, `quota/ENTITY`, `feature/NAME`, `producer-ids` or `cluster`. */
export type ResourceKey = string

/** Producer ids are handed to brokers in blocks of this many, as Kafka does (`ProducerIdsBlock`). */
export const PRODUCER_ID_BLOCK_SIZE = 1000

export const emptyImage: MetadataImage = {
  version: 0,
  clusterId: '',
  brokers: PersistentMap.empty(),
  topics: PersistentMap.empty(),
  topicsById: PersistentMap.empty(),
  configs: PersistentMap.empty(),
  clientQuotas: PersistentMap.empty(),
  nextProducerId: 0,
  features: PersistentMap.empty(),
  modVersions: PersistentMap.empty(),
}

const NO_CONFIGS: ReadonlyMap<string, string> = new Map()

export function configResourceKey(type: ConfigResourceType, name: string): string {
  return `${type}/${name}`
}

/** `user=alice/client-id`: the same for the same entity, another for every other. */
export function quotaEntityKey({ user, clientId, ip }: QuotaEntity): string {
  return [...part('user', user), ...part('client-id', clientId), ...part('ip', ip)].join('/')
}

function part(type: string, name: string | null | undefined): string[] {
  if (name === undefined) return []
  return [name === null ? type : `${type}=${encodeURIComponent(name)}`]
}

/** The resources of a type that anything was set for. */
export function configResourceNames(image: MetadataImage, type: ConfigResourceType): string[] {
  const prefix = configResourceKey(type, '')
  return [...image.configs.keys()]
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length))
}

/** What was set for this resource itself, without defaults; empty where nothing was. */
export function configsOf(
  image: MetadataImage,
  type: ConfigResourceType,
  name: string,
): ReadonlyMap<string, string> {
  return image.configs.get(configResourceKey(type, name)) ?? NO_CONFIGS
}

/** The finalized level of a feature, 0 where it is off: what promises of it hold. */
export function featureLevel(image: MetadataImage, feature: string): number {
  return image.features.get(feature) ?? 0
}

export function partitionOf(
  image: MetadataImage,
  topic: string,
  partition: number,
): PartitionImage | undefined {
  return image.topics.get(topic)?.partitions[partition]
}

/** Brokers that clients may be sent to, by id. */
export function liveBrokers(image: MetadataImage): BrokerRegistration[] {
  return [...image.brokers.values()].filter((broker) => !broker.fenced).sort((a, b) => a.id - b.id)
}

/** The partition after an election: the leader epoch grows even when the leader stays, as Kafka's does. */
export function withLeader(
  partition: PartitionImage,
  leader: number,
  isr: readonly number[] = partition.isr,
): PartitionImage {
  return {
    ...partition,
    leader,
    isr,
    leaderEpoch: partition.leaderEpoch + 1,
    partitionEpoch: partition.partitionEpoch + 1,
  }
}

/** The partition with another ISR; the leader and its epoch stay. */
export function withIsr(partition: PartitionImage, isr: readonly number[]): PartitionImage {
  return { ...partition, isr, partitionEpoch: partition.partitionEpoch + 1 }
}

/** The partition with the place of one replica noted. */
export function withDirectory(
  partition: PartitionImage,
  brokerId: number,
  directoryId: string,
): PartitionImage {
  return {
    ...partition,
    directories: { ...partition.directories, [brokerId]: directoryId },
    partitionEpoch: partition.partitionEpoch + 1,
  }
}

/** Whether a replica is in a log directory that its broker cannot use (Kafka's `DirectoryId.isOnline`, turned round). */
export function isInOfflineDirectory(
  image: MetadataImage,
  partition: PartitionImage,
  brokerId: number,
): boolean {
  const online = image.brokers.get(brokerId)?.directories
  const directory = partition.directories?.[brokerId]
  return online !== undefined && directory !== undefined && !online.includes(directory)
}
