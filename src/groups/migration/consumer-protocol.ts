/**
 * What members of the classic protocol carry in their metadata and assignments, as consumers write it (Kafka's
 * `ConsumerProtocol`): the version, then the message. A version that is newer than all known is read as the newest.
 */
import type { MetadataImage } from '../../cluster/metadata/image.ts'
import { decode, encode } from '../../wire/codec.ts'
import {
  type ConsumerProtocolAssignment,
  consumerProtocolAssignment,
} from '../../wire/log-schemas/consumer-protocol-assignment.ts'
import {
  type ConsumerProtocolSubscription,
  consumerProtocolSubscription,
} from '../../wire/log-schemas/consumer-protocol-subscription.ts'
import { Reader } from '../../wire/reader.ts'
import type { Message } from '../../wire/schema.ts'
import { WireError } from '../../wire/wire-error.ts'
import { Writer } from '../../wire/writer.ts'
import type { TopicPartitions } from '../assignor/assignor.ts'

const HIGHEST_VERSION = 3

/** Undefined when the bytes are no subscription. */
export function decodeSubscription(metadata: Buffer): ConsumerProtocolSubscription | undefined {
  return decodeVersioned(consumerProtocolSubscription, metadata)
}

/** Undefined when the bytes are no assignment. */
export function decodeAssignment(assignment: Buffer): ConsumerProtocolAssignment | undefined {
  return decodeVersioned(consumerProtocolAssignment, assignment)
}

/** An assignment in the version of this metadata: what the member writes, it can read. */
export function encodeAssignment(
  partitions: TopicPartitions,
  metadata: Buffer,
  image: MetadataImage,
): Buffer {
  const version = versionOf(metadata) ?? 0
  const assignedPartitions = []
  for (const [topicId, list] of partitions) {
    const topic = image.topicsById.get(topicId)?.name
    if (topic !== undefined) assignedPartitions.push({ topic, partitions: [...list] })
  }
  const writer = new Writer()
  writer.int16(version)
  encode(consumerProtocolAssignment, version, { assignedPartitions }, writer)
  return writer.toBuffer()
}

/** By topic id and in order, without topics that don't exist. */
export function partitionsById(
  topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  image: MetadataImage,
): TopicPartitions {
  const byId = new Map<string, readonly number[]>()
  for (const { topic, partitions } of topics) {
    const id = image.topics.get(topic)?.id
    if (id === undefined || partitions.length === 0) continue
    const all = new Set([...(byId.get(id) ?? []), ...partitions])
    byId.set(
      id,
      [...all].sort((a, b) => a - b),
    )
  }
  return byId
}

function versionOf(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined
  const version = bytes.readInt16BE(0)
  return version < 0 ? undefined : Math.min(version, HIGHEST_VERSION)
}

function decodeVersioned<Value>(message: Message<Value, unknown>, bytes: Buffer): Value | undefined {
  const version = versionOf(bytes)
  if (version === undefined) return undefined
  try {
    return decode(message, version, new Reader(bytes, 2))
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}
