/**
 * What CreateTopics may make, and how: Kafka's `ReplicationControlManager.createTopics` without its state. Looks at an
 * image, gives the topic to be made or the refusal.
 */
import type { Random } from '../../base/random.ts'
import { randomUuid } from '../../base/random.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import type { MetadataImage, PartitionImage, TopicImage } from '../metadata/image.ts'
import {
  CLUSTER_METADATA_TOPIC,
  hasCollisionCharacters,
  topicNameProblem,
  unifiedTopicName,
} from '../topic-names.ts'
import { placeReplicas } from './placement.ts'

export interface NewTopic {
  readonly name: string
  /** -1 for the default. */
  readonly numPartitions: number
  /** -1 for the default. */
  readonly replicationFactor: number
  /** Broker ids by partition; empty unless the client places the replicas itself. */
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[]
}

export interface TopicDefaults {
  readonly numPartitions: number
  readonly replicationFactor: number
}

export interface Refusal {
  readonly errorCode: number
  /** Null where Kafka has no text. */
  readonly message: string | null
}

/**
 * The names in use by the form in which they collide. As in Kafka, topics that one request makes are not held against
 * each other.
 */
export class CollidingNames {
  readonly #image: MetadataImage
  /** Made at the first question: most names have neither `.` nor `_`. */
  #byForm: Map<string, string> | undefined

  constructor(image: MetadataImage) {
    this.#image = image
  }

  /** A topic whose name differs from `name` only in `.` against `_`. */
  find(name: string): string | undefined {
    if (!hasCollisionCharacters(name)) return undefined
    if (this.#byForm === undefined) {
      this.#byForm = new Map()
      for (const other of this.#image.topics.keys()) {
        if (hasCollisionCharacters(other)) this.#byForm.set(unifiedTopicName(other), other)
      }
    }
    return this.#byForm.get(unifiedTopicName(name))
  }
}

/** The topic that `request` asks for as it will stand in the image, or why it cannot be. */
export function planTopic(
  image: MetadataImage,
  request: NewTopic,
  defaults: TopicDefaults,
  random: Random,
  names: CollidingNames = new CollidingNames(image),
): TopicImage | Refusal {
  return (
    nameRefusal(image, request.name, names) ??
    (request.assignments.length > 0
      ? assignedTopic(image, request, random)
      : placedTopic(image, request, defaults, random))
  )
}

/** Kafka's `ReplicationControlManager.MAX_PARTITIONS_PER_BATCH`. */
const MAX_PARTITIONS_PER_REQUEST = 10_000
/** Kafka's `QuorumController.MAX_RECORDS_PER_USER_OP`: topics, partitions and configs that one request makes. */
const MAX_RECORDS_PER_REQUEST = 10_000

/** Why the request as a whole is refused for the partitions that it asks for; undefined where it may go on. */
export function tooManyPartitions(
  requests: readonly NewTopic[],
  defaults: TopicDefaults,
): Refusal | undefined {
  let partitions = 0
  for (const { numPartitions, assignments } of requests) {
    if (assignments.length > 0) partitions += assignments.length
    else partitions += numPartitions === -1 ? defaults.numPartitions : Math.max(0, numPartitions)
  }
  if (partitions <= MAX_PARTITIONS_PER_REQUEST) return undefined
  return refusal(ErrorCode.POLICY_VIOLATION, 'Excessively large number of partitions per request.')
}

/** Why a request that makes so many records is refused as a whole; undefined where it may go on. */
export function tooManyRecords(records: number): Refusal | undefined {
  if (records <= MAX_RECORDS_PER_REQUEST) return undefined
  return refusal(ErrorCode.POLICY_VIOLATION, 'Unable to perform excessively large batch operation.')
}

export function isRefusal(result: object): result is Refusal {
  return 'errorCode' in result
}

function nameRefusal(image: MetadataImage, name: string, names: CollidingNames): Refusal | undefined {
  if (name === CLUSTER_METADATA_TOPIC) {
    return refusal(ErrorCode.INVALID_REQUEST, `Creation of internal topic ${name} is prohibited.`)
  }
  const problem = topicNameProblem(name)
  if (problem !== undefined) return refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
  if (image.topics.has(name))
    return refusal(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
  const other = names.find(name)
  if (other === undefined) return undefined
  return refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${other}`)
}

function assignedTopic(image: MetadataImage, request: NewTopic, random: Random): TopicImage | Refusal {
  if (request.replicationFactor !== -1) {
    return refusal(
      ErrorCode.INVALID_REQUEST,
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    )
  }
  if (request.numPartitions !== -1) {
    return refusal(
      ErrorCode.INVALID_REQUEST,
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    )
  }
  const assignments = [...request.assignments].sort((a, b) => a.partitionIndex - b.partitionIndex)
  const twice = assignments.find(
    ({ partitionIndex }, index) => assignments[index + 1]?.partitionIndex === partitionIndex,
  )?.partitionIndex
  const replicationFactor = assignments[0]!.brokerIds.length
  for (const [index, { partitionIndex, brokerIds }] of assignments.entries()) {
    if (partitionIndex === twice) {
      return badAssignment(`Found multiple manual partition assignments for partition ${partitionIndex}`)
    }
    if (partitionIndex !== index) {
      return badAssignment('partitions should be a consecutive 0-based integer sequence')
    }
    const problem = assignmentProblem(image, brokerIds, replicationFactor)
    if (problem !== undefined) return problem
  }
  return topic(
    image,
    request.name,
    assignments.map(({ brokerIds }) => [...brokerIds]),
    random,
  )
}

/** Kafka's `validateManualPartitionAssignment`. */
export function assignmentProblem(
  image: MetadataImage,
  brokerIds: readonly number[],
  replicationFactor: number,
): Refusal | undefined {
  if (brokerIds.length === 0) {
    return badAssignment('The manual partition assignment includes an empty replica list.')
  }
  const sorted = [...brokerIds].sort((a, b) => a - b)
  for (const [i, id] of sorted.entries()) {
    if (!image.brokers.has(id)) {
      return badAssignment(
        `The manual partition assignment includes broker ${id}, but no such broker is registered.`,
      )
    }
    if (i > 0 && sorted[i - 1] === id) {
      return badAssignment(`The manual partition assignment includes the broker ${id} more than once.`)
    }
  }
  if (brokerIds.length !== replicationFactor) {
    return badAssignment(
      `The manual partition assignment includes a partition with ${brokerIds.length} replica(s), but this is not consistent with previous partitions, which have ${replicationFactor} replica(s).`,
    )
  }
  return undefined
}

function placedTopic(
  image: MetadataImage,
  request: NewTopic,
  defaults: TopicDefaults,
  random: Random,
): TopicImage | Refusal {
  const { numPartitions, replicationFactor } = request
  if (replicationFactor < -1 || replicationFactor === 0) {
    return refusal(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    )
  }
  if (numPartitions < -1 || numPartitions === 0) {
    return refusal(
      ErrorCode.INVALID_PARTITIONS,
      'Number of partitions was set to an invalid non-positive value.',
    )
  }
  const factor = replicationFactor === -1 ? defaults.replicationFactor : replicationFactor
  const count = numPartitions === -1 ? defaults.numPartitions : numPartitions
  const placed = place(image, count, factor, random)
  if (!Array.isArray(placed) && placed.message === ALL_CORDONED)
    return refusal(placed.errorCode, `Unable to replicate the partition ${factor} time(s): ${placed.message}`)
  return Array.isArray(placed) ? topic(image, request.name, placed, random) : placed
}

const ALL_CORDONED = 'All brokers are currently fenced, or have all their log directories cordoned.'

/** Replicas for `count` new partitions on the brokers that are up, or INVALID_REPLICATION_FACTOR. */
export function place(
  image: MetadataImage,
  count: number,
  replicationFactor: number,
  random: Random,
): number[][] | Refusal {
  const live = [...image.brokers.values()].filter((broker) => !broker.fenced)
  const brokers = live.filter((broker) => broker.isCordoned !== true)
  if (brokers.length === 0 && live.length > 0)
    return refusal(ErrorCode.INVALID_REPLICATION_FACTOR, ALL_CORDONED)
  if (replicationFactor > brokers.length) {
    return refusal(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ${replicationFactor} cannot be reached because only ${brokers.length} broker(s) are registered or some brokers have all their log directories cordoned.`,
    )
  }
  return placeReplicas(brokers, count, replicationFactor, random)
}

/** A partition at its beginning: all replicas in sync, the first one leads. */
export function newPartition(
  image: MetadataImage,
  partition: number,
  replicas: readonly number[],
): PartitionImage {
  const directories: Record<number, string> = {}
  for (const id of replicas) {
    // A broker with several says later where it has put its replica (Kafka's `ClusterControlManager.defaultDir`).
    const [only, ...more] = image.brokers.get(id)?.directories ?? []
    if (only !== undefined && more.length === 0) directories[id] = only
  }
  return {
    partition,
    replicas,
    isr: replicas,
    leader: replicas[0]!,
    leaderEpoch: 0,
    partitionEpoch: 0,
    ...(Object.keys(directories).length > 0 && { directories }),
  }
}

function topic(
  image: MetadataImage,
  name: string,
  replicas: readonly number[][],
  random: Random,
): TopicImage {
  return {
    name,
    id: randomUuid(random),
    partitions: replicas.map((ids, partition) => newPartition(image, partition, ids)),
  }
}

function refusal(errorCode: number, message: string): Refusal {
  return { errorCode, message }
}

function badAssignment(message: string): Refusal {
  return refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
}
