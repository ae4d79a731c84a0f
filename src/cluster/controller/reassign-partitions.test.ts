import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../wire/error-codes.ts'
import { applyChanges, type MetadataChange } from '../metadata/changes.ts'
import { emptyImage, partitionOf } from '../metadata/image.ts'
import { planReassignment } from './reassign-partitions.ts'

const brokers = [1, 2, 3].map((id): MetadataChange => {
  const broker = { id, epoch: id, incarnationId: `i${id}`, rack: null, listeners: [], fenced: false }
  return { type: 'registerBroker', broker }
})
const partitions = [
  { partition: 0, replicas: [1, 2], isr: [2, 1], leader: 2, leaderEpoch: 3, partitionEpoch: 5 },
]
const topic = { name: 't', id: 'tttttttttttttttttttttQ', partitions }
const image = applyChanges(emptyImage, [...brokers, { type: 'createTopic', topic }], 1)

const plan = (replicas: readonly number[] | null, more = {}) =>
  planReassignment(image, {
    topic: 't',
    partition: 0,
    replicas,
    allowReplicationFactorChange: true,
    ...more,
  })

describe('planReassignment', () => {
  it('changes the order of replicas, and neither leader nor ISR', () => {
    const change = plan([2, 1])
    if (change === undefined || 'errorCode' in change) throw new Error('refused')
    const after = applyChanges(image, [change], 2)
    expect(partitionOf(after, 't', 0)).toEqual({ ...partitions[0], replicas: [2, 1], partitionEpoch: 6 })
  })

  it('has nothing to do for replicas where they are', () => {
    expect(plan([1, 2])).toBeUndefined()
  })

  it.each([
    ['another broker', [1, 3], {}, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['more replicas', [1, 2, 3], {}, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    [
      'more replicas than allowed',
      [1, 2, 3],
      { allowReplicationFactorChange: false },
      ErrorCode.INVALID_REPLICATION_FACTOR,
    ],
    ['a broker that there is not', [1, 9], {}, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['a broker twice', [1, 1], {}, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['no broker', [], {}, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    ['no reassignment to take back', null, {}, ErrorCode.NO_REASSIGNMENT_IN_PROGRESS],
    ['a missing partition', [1, 2], { partition: 7 }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ['a missing topic', [1, 2], { topic: 'missing' }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  ])('refuses %s', (_what, replicas, more, errorCode) => {
    expect(plan(replicas, more)).toMatchObject({ errorCode })
  })
})
