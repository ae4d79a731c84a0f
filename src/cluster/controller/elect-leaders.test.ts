import { expect, test } from 'vitest'
import { ErrorCode } from '../../wire/error-codes.ts'
import { applyChanges, type MetadataChange } from '../metadata/changes.ts'
import { emptyImage, type MetadataImage, type PartitionImage, partitionOf } from '../metadata/image.ts'
import { electLeaders } from './elect-leaders.ts'

/** Brokers 1 and 2 live, 3 fenced. */
function imageWith(...partitions: Pick<PartitionImage, 'replicas' | 'isr' | 'leader'>[]): MetadataImage {
  const brokers = [1, 2, 3].map((id): MetadataChange => {
    const broker = { id, epoch: id, incarnationId: `i${id}`, rack: null, listeners: [], fenced: id === 3 }
    return { type: 'registerBroker', broker }
  })
  const topic = {
    name: 't',
    id: 'tttttttttttttttttttttQ',
    partitions: partitions.map((partition, index) => ({
      ...partition,
      partition: index,
      leaderEpoch: 4,
      partitionEpoch: 7,
    })),
  }
  return applyChanges(emptyImage, [...brokers, { type: 'createTopic', topic }], 1)
}

function outcomes(image: MetadataImage, type: 'preferred' | 'unclean') {
  const partitions = image.topics.get('t')!.partitions.map(({ partition }) => partition)
  const { changes, result } = electLeaders(image, type, [{ topic: 't', partitions }])
  return {
    errors: result[0]!.partitions.map(({ errorCode }) => errorCode),
    image: applyChanges(image, changes, 2),
  }
}

test('a preferred election gives the partition to its first replica, if that is live and in sync', () => {
  const { errors, image } = outcomes(
    imageWith(
      { replicas: [1, 2], isr: [1, 2], leader: 2 },
      { replicas: [1, 2], isr: [1, 2], leader: 1 },
      { replicas: [1, 2], isr: [2], leader: 2 },
      { replicas: [3, 2], isr: [2, 3], leader: 2 },
    ),
    'preferred',
  )
  expect(errors).toEqual([
    ErrorCode.NONE,
    ErrorCode.ELECTION_NOT_NEEDED,
    ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
    ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
  ])
  expect(partitionOf(image, 't', 0)).toMatchObject({ leader: 1, isr: [1, 2], leaderEpoch: 5 })
  expect(partitionOf(image, 't', 1)).toMatchObject({ leader: 1, leaderEpoch: 4 })
})

test('an unclean election takes a live replica where there is no leader, one in sync before others', () => {
  const { errors, image } = outcomes(
    imageWith(
      { replicas: [3, 1, 2], isr: [2, 3], leader: -1 },
      { replicas: [3, 1], isr: [3], leader: -1 },
      { replicas: [3], isr: [3], leader: -1 },
      { replicas: [1, 2], isr: [2], leader: 2 },
    ),
    'unclean',
  )
  expect(errors).toEqual([
    ErrorCode.NONE,
    ErrorCode.NONE,
    ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
    ErrorCode.ELECTION_NOT_NEEDED,
  ])
  expect(partitionOf(image, 't', 0)).toMatchObject({ leader: 2, isr: [2, 3] })
  expect(partitionOf(image, 't', 1)).toMatchObject({ leader: 1, isr: [1] })
})

test('of all partitions those that need nothing are not named, and a partition named twice is elected once', () => {
  const image = imageWith(
    { replicas: [1, 2], isr: [1, 2], leader: 2 },
    { replicas: [1, 2], isr: [1, 2], leader: 1 },
  )
  const all = electLeaders(image, 'preferred', null)
  expect(all.result).toEqual([
    { topic: 't', partitions: [{ partition: 0, errorCode: ErrorCode.NONE, message: null }] },
  ])
  expect(all.changes).toHaveLength(1)
  expect(electLeaders(image, 'preferred', [{ topic: 't', partitions: [0, 0] }]).changes).toHaveLength(1)
})
