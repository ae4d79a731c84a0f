import { expect, test } from 'vitest'
import {
  type BrokerRegistration,
  emptyImage,
  type MetadataImage,
  type TopicImage,
} from '../cluster/metadata/image.ts'
import { metadataHash, topicHash } from './topic-hash.ts'

const orders = topic('orders', 'PM1pAXmLQ3eBG2nCaXkR9w', 3)
const image = imageOf([orders], ['räck', 'rack-a', null])

test('a topic hashes as it does in Kafka, racks sorted and those that are unknown left out', () => {
  expect(topicHash(orders, image)).toBe(-2562172549406546897n)
})

test("a group's hash is Kafka's, and topics that do not exist count for nothing", () => {
  expect(metadataHash(['missing', 'orders'], image)).toBe(-1992364083715947259n)
  expect(metadataHash(['missing'], image)).toBe(0n)
})

test('the order of the topics does not count, but their partitions do', () => {
  const both = imageOf([orders, topic('a', 'AAAAAAAAAAAAAAAAAAAAAQ', 1)])
  expect(metadataHash(['a', 'orders'], both)).toBe(metadataHash(['orders', 'a'], both))
  const larger = imageOf([orders, topic('a', 'AAAAAAAAAAAAAAAAAAAAAQ', 2)])
  expect(metadataHash(['a', 'orders'], larger)).not.toBe(metadataHash(['a', 'orders'], both))
})

test('the hash follows the racks of the brokers', () => {
  const elsewhere = imageOf([orders], ['rack-b', null, null])
  expect(topicHash(orders, elsewhere)).not.toBe(topicHash(orders, image))
  expect(topicHash(orders, image)).toBe(-2562172549406546897n)
})

function topic(name: string, id: string, partitions: number): TopicImage {
  return {
    name,
    id,
    partitions: Array.from({ length: partitions }, (_, partition) => ({
      partition,
      replicas: [1, 2, 3],
      isr: [1, 2, 3],
      leader: 1,
      leaderEpoch: 0,
      partitionEpoch: 0,
    })),
  }
}

function imageOf(topics: readonly TopicImage[], racks: readonly (string | null)[] = []): MetadataImage {
  const brokers = racks.map(
    (rack, i): BrokerRegistration => ({
      id: i + 1,
      epoch: 0,
      incarnationId: '',
      rack,
      listeners: [],
      fenced: false,
    }),
  )
  return {
    ...emptyImage,
    brokers: new Map(brokers.map((broker) => [broker.id, broker])),
    topics: new Map(topics.map((each) => [each.name, each])),
    topicsById: new Map(topics.map((each) => [each.id, each])),
  }
}
