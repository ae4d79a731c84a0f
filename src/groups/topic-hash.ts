import { xxh3 } from '../base/xxh3.ts'
import type { MetadataImage, TopicImage } from '../cluster/metadata/image.ts'

/** The first byte of what is hashed, for a change of its form (`Utils.TOPIC_HASH_MAGIC_BYTE`). */
const FORM = 0

/** A changed topic is another object, as the brokers are when one changes: what was found holds as long as both. */
const known = new WeakMap<TopicImage, { readonly brokers: MetadataImage['brokers']; readonly hash: bigint }>()

/**
 * One number for all that an assignment depends on: the topics, their partitions and the racks of those. A group writes
 * it down, so that another coordinator knows whether anything has changed (Kafka's `ModernGroup.computeMetadataHash`,
 * the same value). Topics that don't exist count for nothing; 0 where none does.
 */
export function metadataHash(topicNames: Iterable<string>, image: MetadataImage): bigint {
  const topics: TopicImage[] = []
  for (const name of topicNames) {
    const topic = image.topics.get(name)
    if (topic !== undefined) topics.push(topic)
  }
  if (topics.length === 0) return 0n
  topics.sort((a, b) => (a.name < b.name ? -1 : 1))
  const bytes = Buffer.allocUnsafe(topics.length * 8)
  topics.forEach((topic, index) => {
    bytes.writeBigInt64LE(topicHash(topic, image), index * 8)
  })
  return BigInt.asIntN(64, xxh3(bytes))
}

/** Kafka's `Utils.computeTopicHash`. */
export function topicHash(topic: TopicImage, image: MetadataImage): bigint {
  const { brokers } = image
  const found = known.get(topic)
  if (found?.brokers === brokers) return found.hash
  const hash = BigInt.asIntN(64, xxh3(describe(topic, image)))
  known.set(topic, { brokers, hash })
  return hash
}

function describe(topic: TopicImage, image: MetadataImage): Buffer {
  // The halves of the id as little-endian longs, each of which has its bytes in reverse.
  const id = Buffer.from(topic.id, 'base64url')
  const parts: Buffer[] = [Buffer.from([FORM]), id.subarray(0, 8).reverse(), id.subarray(8).reverse()]
  parts.push(text(topic.name), int(topic.partitions.length))
  for (const { partition, replicas } of topic.partitions) {
    parts.push(int(partition))
    const racks = replicas.map((id) => image.brokers.get(id)?.rack ?? null).filter((rack) => rack !== null)
    for (const rack of racks.sort()) parts.push(int(rack.length), text(rack))
  }
  return Buffer.concat(parts)
}

function int(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32LE(value)
  return bytes
}

/** UTF-16 units, then their number. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from(value, 'utf16le'), int(value.length)])
}
