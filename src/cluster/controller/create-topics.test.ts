import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../testing/seeded-random.ts'
import { ErrorCode } from '../../wire/error-codes.ts'
import { applyChanges } from '../metadata/changes.ts'
import { emptyImage, type MetadataImage } from '../metadata/image.ts'
import { planPartitions } from './create-partitions.ts'
import { type NewTopic, planTopic } from './create-topics.ts'

const DEFAULTS = { numPartitions: 2, replicationFactor: 1 }

function imageWith(brokerIds: readonly number[], topics: readonly NewTopic[] = []): MetadataImage {
  let image = brokerIds.reduce(
    (image, id) =>
      applyChanges(
        image,
        [
          {
            type: 'registerBroker',
            broker: { id, epoch: 1, incarnationId: `i${id}`, rack: null, listeners: [], fenced: false },
          },
        ],
        image.version + 1,
      ),
    emptyImage,
  )
  for (const topic of topics) {
    const planned = planTopic(image, topic, DEFAULTS, new SeededRandom(1))
    if ('errorCode' in planned) throw new Error(String(planned.message))
    image = applyChanges(image, [{ type: 'createTopic', topic: planned }], image.version + 1)
  }
  return image
}

function asked(name: string, fields: Partial<NewTopic> = {}): NewTopic {
  return { name, numPartitions: -1, replicationFactor: -1, assignments: [], ...fields }
}

function plan(image: MetadataImage, topic: NewTopic) {
  return planTopic(image, topic, DEFAULTS, new SeededRandom(7))
}

describe('planTopic', () => {
  it('takes the defaults for -1', () => {
    expect(plan(imageWith([1]), asked('t'))).toMatchObject({
      name: 't',
      partitions: [
        { partition: 0, replicas: [1], isr: [1], leader: 1, leaderEpoch: 0, partitionEpoch: 0 },
        { partition: 1, replicas: [1], isr: [1], leader: 1, leaderEpoch: 0, partitionEpoch: 0 },
      ],
    })
  })

  it('spreads leaders and replicas over all brokers', () => {
    const topic = plan(imageWith([1, 2, 3]), asked('t', { numPartitions: 3, replicationFactor: 2 }))
    if ('errorCode' in topic) throw new Error(String(topic.message))
    expect(new Set(topic.partitions.map(({ leader }) => leader))).toEqual(new Set([1, 2, 3]))
    for (const { replicas } of topic.partitions) expect(new Set(replicas).size).toBe(2)
  })

  it('keeps the order of an assignment', () => {
    const assignments = [
      { partitionIndex: 1, brokerIds: [1, 2] },
      { partitionIndex: 0, brokerIds: [2, 1] },
    ]
    expect(plan(imageWith([1, 2]), asked('t', { assignments }))).toMatchObject({
      partitions: [
        { replicas: [2, 1], leader: 2 },
        { replicas: [1, 2], leader: 1 },
      ],
    })
  })

  const assigned = (...partitions: (readonly [number, readonly number[]])[]) => ({
    assignments: partitions.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })),
  })

  it.each([
    ['', {}, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['..', {}, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['a b', {}, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['x'.repeat(250), {}, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['there.is', {}, ErrorCode.TOPIC_ALREADY_EXISTS],
    ['there_is', {}, ErrorCode.INVALID_TOPIC_EXCEPTION],
    ['__cluster_metadata', {}, ErrorCode.INVALID_REQUEST],
    ['t', { numPartitions: 0 }, ErrorCode.INVALID_PARTITIONS],
    ['t', { replicationFactor: 0 }, ErrorCode.INVALID_REPLICATION_FACTOR],
    ['t', { replicationFactor: 3 }, ErrorCode.INVALID_REPLICATION_FACTOR],
    ['t', { ...assigned([0, [1]]), numPartitions: 1 }, ErrorCode.INVALID_REQUEST],
    ['t', { ...assigned([0, [1]]), replicationFactor: 1 }, ErrorCode.INVALID_REQUEST],
    ['t', assigned([0, [9]]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['t', assigned([0, [1, 1]]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['t', assigned([0, []]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['t', assigned([0, [1]], [2, [1]]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['t', assigned([0, [1]], [0, [2]]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['t', assigned([0, [1]], [1, [1, 2]]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
  ])('refuses topic %j with %j', (name, fields, errorCode) => {
    expect(plan(imageWith([1, 2], [asked('there.is')]), asked(name, fields))).toMatchObject({ errorCode })
  })
})

describe('planPartitions', () => {
  const image = imageWith([1, 2], [asked('t')])
  const more = (count: number, assignments: readonly { brokerIds: readonly number[] }[] | null = null) =>
    planPartitions(image, { name: 't', count, assignments }, new SeededRandom(3))

  it('numbers the new partitions after those there are', () => {
    expect(more(4)).toMatchObject([{ partition: 2 }, { partition: 3 }])
  })

  it('places them as asked', () => {
    expect(more(3, [{ brokerIds: [2] }])).toMatchObject([{ partition: 2, replicas: [2], leader: 2 }])
  })

  it.each([
    ['as many as there are', more(2), ErrorCode.INVALID_PARTITIONS],
    ['fewer', more(1), ErrorCode.INVALID_PARTITIONS],
    ['too few assignments', more(4, [{ brokerIds: [1] }]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['another replication factor', more(3, [{ brokerIds: [1, 2] }]), ErrorCode.INVALID_REPLICA_ASSIGNMENT],
  ])('refuses %s', (_what, planned, errorCode) => {
    expect(planned).toMatchObject({ errorCode })
  })

  it('refuses a topic that does not exist', () => {
    const request = { name: 'missing', count: 1, assignments: null }
    expect(planPartitions(image, request, new SeededRandom(3))).toMatchObject({
      errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    })
  })
})
