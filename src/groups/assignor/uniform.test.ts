import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../testing/seeded-random.ts'
import type { MemberSpec, SubscriptionType } from './assignor.ts'
import {
  assigned,
  groupOf,
  memberOf,
  ownersOf,
  randomTopics,
  sizeOf,
  subscribedPartitions,
} from './testdata/groups.ts'
import { uniformAssignor } from './uniform.ts'

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed)

function homogeneousGroup(random: SeededRandom) {
  const world = randomTopics(random, random.integer(1, 8), 12)
  const members = Array.from({ length: random.integer(1, 20) }, (_, i) => memberOf(`m${i}`, world.topicIds))
  return { ...world, members, type: 'homogeneous' as SubscriptionType }
}

function heterogeneousGroup(random: SeededRandom) {
  const world = randomTopics(random, random.integer(2, 8), 12)
  const members = Array.from({ length: random.integer(2, 20) }, (_, i) =>
    memberOf(
      `m${i}`,
      world.topicIds.filter(() => random.chance(0.6)),
    ),
  )
  return { ...world, members, type: 'heterogeneous' as SubscriptionType }
}

describe.each([
  ['equal subscriptions', homogeneousGroup],
  ['different subscriptions', heterogeneousGroup],
])('with %s', (_, groupFrom) => {
  test.each(SEEDS)('each partition has one owner, which subscribes to it (seed %i)', (seed) => {
    const { members, type, topics, partitions } = groupFrom(new SeededRandom(seed))
    const after = assigned(members, uniformAssignor.assign(groupOf(members, type), topics))
    expect(new Set(ownersOf(after).keys())).toEqual(subscribedPartitions(members, partitions))
  })

  test.each(SEEDS)('a group that stays as it is keeps its very assignments (seed %i)', (seed) => {
    const { members, type, topics } = groupFrom(new SeededRandom(seed))
    const after = assigned(members, uniformAssignor.assign(groupOf(members, type), topics))
    const again = uniformAssignor.assign(groupOf(after, type), topics)
    for (const { memberId, assignment } of after) {
      if (sizeOf(assignment) > 0) expect(again.get(memberId)).toBe(assignment)
    }
  })

  test.each(SEEDS)('steps come to the same as one call (seed %i)', (seed) => {
    const { members, type, topics } = groupFrom(new SeededRandom(seed))
    const steps = uniformAssignor.assignInSteps(groupOf(members, type), topics)
    let step = steps.next()
    while (step.done !== true) step = steps.next()
    expect(step.value).toEqual(uniformAssignor.assign(groupOf(members, type), topics))
  })
})

describe('with equal subscriptions', () => {
  const totalMoved = (before: readonly MemberSpec[], after: readonly MemberSpec[]) => {
    const owners = ownersOf(before)
    let moved = 0
    for (const [partition, owner] of ownersOf(after)) {
      const old = owners.get(partition)
      if (old !== undefined && old !== owner) moved++
    }
    return moved
  }

  test.each(SEEDS)('loads differ by one at most, however members come and go (seed %i)', (seed) => {
    const random = new SeededRandom(seed)
    let { members, topics } = homogeneousGroup(random)
    const subscribed = members[0]!.subscribedTopicIds
    for (let i = 0; i < 10; i++) {
      members = assigned(members, uniformAssignor.assign(groupOf(members, 'homogeneous'), topics))
      const loads = members.map(({ assignment }) => sizeOf(assignment))
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
      members = random.chance(0.5) ? [...members, memberOf(`new${i}`, subscribed)] : members.slice(1)
      if (members.length === 0) members = [memberOf('last', subscribed)]
    }
  })

  test.each(SEEDS)('a member that leaves moves nothing but what it had (seed %i)', (seed) => {
    const { members, topics } = homogeneousGroup(new SeededRandom(seed))
    const before = assigned(members, uniformAssignor.assign(groupOf(members, 'homogeneous'), topics))
    const left = before.slice(1)
    if (left.length === 0) return
    const after = assigned(left, uniformAssignor.assign(groupOf(left, 'homogeneous'), topics))
    expect(totalMoved(left, after)).toBe(0)
  })

  test.each(SEEDS)('a member that joins moves nothing but what it gets (seed %i)', (seed) => {
    const { members, topics } = homogeneousGroup(new SeededRandom(seed))
    const before = assigned(members, uniformAssignor.assign(groupOf(members, 'homogeneous'), topics))
    const joined = [...before, memberOf('new', members[0]!.subscribedTopicIds)]
    const after = assigned(joined, uniformAssignor.assign(groupOf(joined, 'homogeneous'), topics))
    expect(totalMoved(before, after)).toBe(sizeOf(after.at(-1)!.assignment))
  })
})

describe('with different subscriptions', () => {
  test.each(SEEDS)('no partition could move to a subscriber with two fewer (seed %i)', (seed) => {
    const { members, topics } = heterogeneousGroup(new SeededRandom(seed))
    const after = assigned(members, uniformAssignor.assign(groupOf(members, 'heterogeneous'), topics))
    for (const owner of after) {
      for (const topicId of owner.assignment.keys()) {
        for (const other of after) {
          if (!other.subscribedTopicIds.has(topicId)) continue
          expect(sizeOf(owner.assignment) - sizeOf(other.assignment)).toBeLessThanOrEqual(1)
        }
      }
    }
  })

  test('a group of a thousand odd subscriptions to a thousand topics takes many steps', () => {
    const random = new SeededRandom(1)
    const { topics, topicIds } = randomTopics(random, 1000, 3)
    const members = Array.from({ length: 1000 }, (_, i) =>
      memberOf(
        `m${i}`,
        topicIds.filter(() => random.chance(0.5)),
      ),
    )
    const steps = uniformAssignor.assignInSteps(groupOf(members, 'heterogeneous'), topics)
    let count = 1
    while (steps.next().done !== true) count++
    expect(count).toBeGreaterThan(10)
  })
})

test('a thousand members of equal subscriptions to a thousand partitions are assigned in one step', () => {
  const { topics, topicIds } = randomTopics(new SeededRandom(1), 1000, 1)
  for (const subscribed of [topicIds, topicIds.slice(0, 1)]) {
    const members = Array.from({ length: 1000 }, (_, i) => memberOf(`m${i}`, subscribed))
    const steps = uniformAssignor.assignInSteps(groupOf(members, 'homogeneous'), topics)
    expect(steps.next().done).toBe(true)
  }
})

test('a group without members, or without topics, is assigned nothing', () => {
  const { topics } = randomTopics(new SeededRandom(1), 1, 1)
  expect(uniformAssignor.assign(groupOf([], 'homogeneous'), topics).size).toBe(0)
  expect(uniformAssignor.assign(groupOf([memberOf('a', [])], 'homogeneous'), topics).size).toBe(0)
  expect(uniformAssignor.assign(groupOf([memberOf('a', [])], 'heterogeneous'), topics).size).toBe(0)
})
