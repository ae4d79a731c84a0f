import { beforeEach, describe, expect, test } from 'vitest'
import { AssignmentError, type GroupSpec, partitionAssignor } from '../assignor/assignor.ts'
import { uniformAssignor } from '../assignor/uniform.ts'
import type { GroupReply } from '../commands.ts'
import { DEFAULT_OPTIONS, Harness } from '../testdata/harness.ts'
import { Arguments, parseCommand, topicIdOf, topicOf } from '../testdata/scenario-command.ts'

/** What the assignor was asked between its steps, each of which waits for a turn of the event loop. */
let asked: GroupSpec[]
let fails: boolean
const slowAssignor = partitionAssignor('slow', function* (group, topics) {
  asked.push(group)
  if (group.members.size > 1) {
    yield
    yield
    if (fails) throw new AssignmentError('no')
  }
  return uniformAssignor.assign(group, topics)
})

let harness: Harness
let replies: GroupReply[]

beforeEach(() => {
  asked = []
  fails = false
  replies = []
  const consumer = { ...DEFAULT_OPTIONS.consumer, assignors: [slowAssignor] }
  harness = new Harness(
    { ...DEFAULT_OPTIONS, consumer },
    { record() {}, reply: (_token, _command, reply) => replies.push(reply), timer() {} },
  )
  harness.changeTopics([topicOf('t:4')])
})

function beat(line: string): GroupReply {
  harness.execute(parseCommand('beat', new Arguments(line.split(' ')), () => ''))
  harness.checkReplay()
  return replies.at(-1)!
}

/** The next timer that is due now. */
function turn(): void {
  harness.turn()
  harness.checkReplay()
}

function group() {
  const found = harness.machine.group('g')
  if (found?.type !== 'consumer') throw new Error('no consumer group')
  return found
}

function targets() {
  return Object.fromEntries(
    Array.from(group().targets, ([memberId, target]) => [memberId, target.get(topicIdOf('t')) ?? []]),
  )
}

describe('an assignment of several steps', () => {
  test('leaves the members their targets until it is done', () => {
    expect(beat('member=a')).toMatchObject({ memberEpoch: 2 })
    expect(beat('member=b')).toMatchObject({ memberEpoch: 2, assignment: { topicPartitions: [] } })
    expect(group()).toMatchObject({ state: 'Assigning', groupEpoch: 3, assignmentEpoch: 2 })
    turn()
    expect(beat('member=a epoch=2')).toMatchObject({ memberEpoch: 2, assignment: null })
    turn()
    expect(targets()).toEqual({ a: [0, 1, 2, 3] })
    turn()
    expect(targets()).toEqual({ a: [0, 1], b: [2, 3] })
    expect(asked).toHaveLength(2)
    expect(beat('member=b epoch=2')).toMatchObject({ memberEpoch: 3 })
  })

  test('is not begun again while it is under way, and covers who came meanwhile with the next one', () => {
    beat('member=a')
    beat('member=b')
    beat('member=c')
    expect(asked).toHaveLength(2)
    for (let i = 0; i < 3; i++) turn()
    expect(targets()).toEqual({ a: [0, 1], b: [2, 3] })
    expect(group()).toMatchObject({ state: 'Assigning', groupEpoch: 4, assignmentEpoch: 3 })
    beat('member=a epoch=2')
    for (let i = 0; i < 3; i++) turn()
    expect(Object.keys(targets())).toEqual(['a', 'b', 'c'])
    expect(group().assignmentEpoch).toBe(4)
  })

  test('gives nothing to who left meanwhile', () => {
    beat('member=a')
    beat('member=b')
    beat('member=b epoch=-1')
    for (let i = 0; i < 3; i++) turn()
    expect(targets()).toEqual({ a: [0, 1] })
    expect(beat('member=a epoch=2 owned=t:0,1,2,3')).toMatchObject({ memberEpoch: 4 })
    expect(targets()).toEqual({ a: [0, 1, 2, 3] })
  })

  test('gives a static member its part under the member id that it has by then', () => {
    beat('member=a instance=i')
    beat('member=b')
    beat('member=a instance=i epoch=-2')
    beat('member=c instance=i')
    for (let i = 0; i < 3; i++) turn()
    expect(targets()).toEqual({ b: [2, 3], c: [0, 1] })
  })

  test('sees what was given out when it began', () => {
    beat('member=a')
    beat('member=b')
    const spec = asked[1]!
    expect(spec.isPartitionAssigned(topicIdOf('t'), 3)).toBe(true)
    beat('member=a epoch=-1')
    expect(group().isTarget(topicIdOf('t'), 3)).toBe(false)
    expect(spec.isPartitionAssigned(topicIdOf('t'), 3)).toBe(true)
  })

  test('that fails leaves the group as it was, and is tried again', () => {
    beat('member=a')
    fails = true
    beat('member=b')
    for (let i = 0; i < 3; i++) turn()
    expect(group()).toMatchObject({ state: 'Assigning', assignmentEpoch: 2 })
    fails = false
    beat('member=b epoch=2')
    for (let i = 0; i < 3; i++) turn()
    expect(targets()).toEqual({ a: [0, 1], b: [2, 3] })
  })

  test('is nothing to a group of the same name that was made since', () => {
    beat('member=a')
    beat('member=b')
    beat('member=a epoch=-1')
    beat('member=b epoch=-1')
    harness.execute({ type: 'deleteGroups', groupIds: ['g'] })
    beat('member=c')
    for (let i = 0; i < 3; i++) turn()
    expect(targets()).toEqual({ c: [0, 1, 2, 3] })
  })
})
