import { expect, test } from 'vitest'
import { SeededRandom } from '../../testing/seeded-random.ts'
import { rangeAssignor } from './range.ts'
import {
  assigned,
  groupOf,
  memberOf,
  ownersOf,
  randomTopics,
  subscribedPartitions,
} from './testdata/groups.ts'

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed)

test.each(SEEDS)(
  'each partition has one owner, which subscribes to it, in one run of numbers (seed %i)',
  (seed) => {
    const random = new SeededRandom(seed)
    const { topics, topicIds, partitions } = randomTopics(random, 6, 12)
    const members = Array.from({ length: random.integer(1, 15) }, (_, i) =>
      memberOf(
        `m${i}`,
        topicIds.filter(() => random.chance(0.7)),
        random.chance(0.3) ? `i${random.integer(0, 1000) * 20 + i}` : null,
      ),
    )
    const after = assigned(members, rangeAssignor.assign(groupOf(members, 'heterogeneous'), topics))
    expect(new Set(ownersOf(after).keys())).toEqual(subscribedPartitions(members, partitions))
    for (const { assignment } of after) {
      for (const ofTopic of assignment.values())
        expect(ofTopic.at(-1)! - ofTopic[0]!).toBe(ofTopic.length - 1)
    }
  },
)

const topics = { partitionCount: () => 3 }

test('topics of as many partitions with the same subscribers are co-partitioned', () => {
  const members = [memberOf('b', ['x', 'y']), memberOf('a', ['x', 'y'])]
  expect(rangeAssignor.assign(groupOf(members, 'homogeneous'), topics)).toEqual(
    new Map([
      [
        'a',
        new Map([
          ['x', [0, 1]],
          ['y', [0, 1]],
        ]),
      ],
      [
        'b',
        new Map([
          ['x', [2]],
          ['y', [2]],
        ]),
      ],
    ]),
  )
})

test('static members come first, by instance id whatever their member ids are', () => {
  const members = [memberOf('a', ['x']), memberOf('z', ['x'], 'i1'), memberOf('b', ['x'], 'i2')]
  const assignment = rangeAssignor.assign(groupOf(members, 'homogeneous'), topics)
  expect(assignment.get('z')).toEqual(new Map([['x', [0]]]))
  expect(assignment.get('b')).toEqual(new Map([['x', [1]]]))
  expect(assignment.get('a')).toEqual(new Map([['x', [2]]]))
})

test('members beyond the number of partitions get none', () => {
  const members = ['a', 'b', 'c', 'd'].map((memberId) => memberOf(memberId, ['x']))
  expect(rangeAssignor.assign(groupOf(members, 'homogeneous'), topics).get('d')?.size).toBe(0)
})
