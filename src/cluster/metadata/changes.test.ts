import { expect, test } from 'vitest'
import { InvariantError } from '../../base/invariant.ts'
import { applyChange, applyChanges, changesOf, type MetadataChange, touchedKeys } from './changes.ts'
import { decodeCommit, encodeCommit, MetadataStoreError } from './commit-codec.ts'
import {
  type BrokerRegistration,
  configsOf,
  emptyImage,
  liveBrokers,
  type MetadataImage,
  type PartitionImage,
  partitionOf,
  withIsr,
  withLeader,
} from './image.ts'

function partition(index: number, replicas: readonly number[] = [1]): PartitionImage {
  return {
    partition: index,
    replicas,
    isr: replicas,
    leader: replicas[0]!,
    leaderEpoch: 0,
    partitionEpoch: 0,
  }
}

function createTopic(name: string, partitions = 1): MetadataChange {
  return {
    type: 'createTopic',
    topic: {
      name,
      id: name.padEnd(22, 'A'),
      partitions: Array.from({ length: partitions }, (_, i) => partition(i)),
    },
  }
}

function broker(id: number, epoch: number): BrokerRegistration {
  const listeners = [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 'PLAINTEXT' }]
  return { id, epoch, incarnationId: `i${epoch}`, rack: null, listeners, fenced: false }
}

const topicConfig = (key: string, value: string): MetadataChange => ({
  type: 'setConfig',
  resource: { type: 'topic', name: 'orders' },
  key,
  value,
})

/** One of everything. */
const everything: readonly MetadataChange[] = [
  { type: 'formCluster', clusterId: 'MkU3OEVBNTcwNTJENDM2Qg' },
  { type: 'setFeature', feature: 'metadata.version', level: 29 },
  { type: 'setFeature', feature: 'group.version', level: 1 },
  { type: 'registerBroker', broker: broker(1, 5) },
  { type: 'registerBroker', broker: broker(2, 6) },
  { type: 'registerBroker', broker: broker(3, 7) },
  { type: 'fenceBroker', brokerId: 2 },
  { type: 'unregisterBroker', brokerId: 3 },
  createTopic('orders', 2),
  createTopic('gone'),
  { type: 'createPartitions', topic: 'orders', partitions: [partition(2)] },
  { type: 'changePartition', topic: 'orders', partition: withLeader(partition(1), -1, []) },
  topicConfig('retention.ms', '1000'),
  topicConfig('cleanup.policy', 'compact'),
  { type: 'removeConfig', resource: { type: 'topic', name: 'orders' }, key: 'cleanup.policy' },
  { type: 'setConfig', resource: { type: 'broker', name: '' }, key: 'log.retention.ms', value: 'a/b "c"' },
  { type: 'setConfig', resource: { type: 'topic', name: 'gone' }, key: 'retention.ms', value: '1' },
  { type: 'deleteTopic', topic: 'gone' },
  {
    type: 'setClientQuota',
    entity: { user: 'a=b/c', clientId: null },
    key: 'producer_byte_rate',
    value: 0.5,
  },
  { type: 'setClientQuota', entity: { ip: '10.0.0.1' }, key: 'connection_creation_rate', value: 3 },
  { type: 'removeClientQuota', entity: { ip: '10.0.0.1' }, key: 'connection_creation_rate' },
  { type: 'allocateProducerIds', brokerId: 1, brokerEpoch: 5, nextProducerId: 1000 },
]

/** The image as plain values, without what a snapshot doesn't keep. */
function contents(image: MetadataImage): unknown {
  const { modVersions: _, topicsById, ...rest } = image
  return JSON.parse(
    JSON.stringify({ ...rest, topicsById: [...topicsById.keys()].sort() }, (_key, value) =>
      typeof value === 'object' && value !== null && 'forEach' in value && 'size' in value
        ? Object.fromEntries([...value].sort())
        : value,
    ),
  )
}

test('an image holds what its changes said', () => {
  const image = applyChanges(emptyImage, everything, 1)
  expect(image.version).toBe(1)
  expect(image.clusterId).toBe('MkU3OEVBNTcwNTJENDM2Qg')
  expect([...image.brokers.keys()]).toEqual([1, 2])
  expect(liveBrokers(image).map((each) => each.id)).toEqual([1])
  expect([...image.topics.keys()]).toEqual(['orders'])
  expect(image.topicsById.get('orders'.padEnd(22, 'A'))).toBe(image.topics.get('orders'))
  expect(partitionOf(image, 'orders', 1)).toMatchObject({
    leader: -1,
    leaderEpoch: 1,
    partitionEpoch: 1,
    isr: [],
  })
  expect(partitionOf(image, 'orders', 3)).toBeUndefined()
  expect([...configsOf(image, 'topic', 'orders')]).toEqual([['retention.ms', '1000']])
  expect([...configsOf(image, 'broker', '')]).toEqual([['log.retention.ms', 'a/b "c"']])
  expect([...image.clientQuotas]).toEqual([
    [
      'user=a%3Db%2Fc/client-id',
      { entity: { user: 'a=b/c', clientId: null }, values: new Map([['producer_byte_rate', 0.5]]) },
    ],
  ])
  expect(image.nextProducerId).toBe(1000)
  expect(image.features.get('metadata.version')).toBe(29)
})

test('a deleted topic takes its configs with it, and its name can be used again with another id', () => {
  const image = applyChanges(emptyImage, everything, 1)
  expect(configsOf(image, 'topic', 'gone').size).toBe(0)
  const again = applyChange(image, { ...createTopic('gone') }, 2)
  expect(again.topics.has('gone')).toBe(true)
})

test('the changes of a snapshot make the image again', () => {
  const image = applyChanges(emptyImage, everything, 7)
  expect(contents(applyChanges(emptyImage, [...changesOf(image)], 7))).toEqual(contents(image))
})

test('a commit survives being written and read', () => {
  const commit = { version: 3, changes: everything }
  expect(decodeCommit(encodeCommit(commit), 'here')).toEqual(commit)
})

test('a commit of a newer format is refused in one line that names both', () => {
  const newer = Buffer.from(JSON.stringify({ format: 2, version: 1, changes: [{ type: 'unheardOf' }] }))
  expect(() => decodeCommit(newer, 'x.log')).toThrow(
    new MetadataStoreError('x.log: metadata format 2 is newer than 1, the newest that this release reads'),
  )
})

test.each([
  'not json',
  'null',
  '{}',
  '{"format":1,"version":1}',
  '{"format":1,"version":1,"changes":[{"type":"toString"}]}',
])('a damaged commit is an error and no image: %s', (text) => {
  expect(() => decodeCommit(Buffer.from(text), 'x.log')).toThrow(MetadataStoreError)
})

test('every resource has the version that last changed it, and none once it is gone', () => {
  const first = applyChanges(emptyImage, everything, 1)
  const image = applyChanges(
    first,
    [
      { type: 'changePartition', topic: 'orders', partition: withIsr(partitionOf(first, 'orders', 0)!, [1]) },
      { type: 'removeConfig', resource: { type: 'topic', name: 'orders' }, key: 'retention.ms' },
      { type: 'setFeature', feature: 'group.version', level: 0 },
    ],
    2,
  )
  expect(Object.fromEntries(image.modVersions)).toEqual({
    cluster: 1,
    'feature/metadata.version': 1,
    'feature/group.version': 2,
    'broker/1': 1,
    'broker/2': 1,
    'topic/orders': 2,
    'config/broker/': 1,
    'quota/user=a%3Db%2Fc/client-id': 1,
    'producer-ids': 1,
  })
})

test('what a change touches is what it may write', () => {
  for (const change of everything) expect(touchedKeys(change).length).toBeGreaterThan(0)
  expect(touchedKeys({ type: 'deleteTopic', topic: 't' })).toEqual(['topic/t', 'config/topic/t'])
})

const image = applyChanges(emptyImage, everything, 1)
test.each<[string, MetadataChange]>([
  ['a second cluster id', { type: 'formCluster', clusterId: 'x' }],
  ['a broker epoch that does not grow', { type: 'registerBroker', broker: broker(1, 5) }],
  ['a broker that is not registered', { type: 'fenceBroker', brokerId: 9 }],
  ['a topic that exists', createTopic('orders')],
  ['a topic that does not exist', { type: 'deleteTopic', topic: 'gone' }],
  ['a gap in the partitions', { type: 'createPartitions', topic: 'orders', partitions: [partition(4)] }],
  [
    'a partition that does not exist',
    { type: 'changePartition', topic: 'orders', partition: withIsr(partition(3), [1]) },
  ],
  ['a partition epoch that stays', { type: 'changePartition', topic: 'orders', partition: partition(0) }],
  [
    'a new leader in the old epoch',
    {
      type: 'changePartition',
      topic: 'orders',
      partition: { ...partition(0), leader: 2, partitionEpoch: 1 },
    },
  ],
  [
    'a leader epoch that goes back',
    {
      type: 'changePartition',
      topic: 'orders',
      partition: { ...partition(1), leader: -1, leaderEpoch: 0, partitionEpoch: 2 },
    },
  ],
  [
    'a quota that is no number',
    { type: 'setClientQuota', entity: { user: null }, key: 'request_percentage', value: Number.NaN },
  ],
  [
    'producer ids given out twice',
    { type: 'allocateProducerIds', brokerId: 1, brokerEpoch: 5, nextProducerId: 1000 },
  ],
])('a change that does not fit the image makes no image: %s', (_, change) => {
  expect(() => applyChange(image, change, 2)).toThrow(InvariantError)
})

test('a change shares everything else with the image before it', () => {
  const changed = applyChange(image, createTopic('another'), 2)
  expect(changed.brokers.get(1)).toBe(image.brokers.get(1))
  expect(changed.topics.get('orders')).toBe(image.topics.get('orders'))
  expect(image.topics.has('another')).toBe(false)
})
