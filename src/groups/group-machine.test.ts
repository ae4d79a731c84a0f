import { beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import type { ReplyToken } from '../cluster/coordinator/contract.ts'
import { emptyImage } from '../cluster/metadata/image.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import type { GroupCommand, GroupReply } from './commands.ts'
import { GroupMachine } from './group-machine.ts'
import { DEFAULT_OPTIONS, Harness } from './testdata/harness.ts'
import { Arguments, parseCommand } from './testdata/scenario-command.ts'

let replies: GroupReply[]
let harness: Harness

beforeEach(() => {
  replies = []
  harness = new Harness(DEFAULT_OPTIONS, {
    record() {},
    timer() {},
    reply: (_token, _command, reply) => replies.push(reply),
  })
})

function play(...lines: string[]): void {
  for (const line of lines) harness.execute(command(line))
}

function command(line: string): GroupCommand {
  const [verb = '', ...words] = line.split(' ')
  return parseCommand(verb, new Arguments(words), () => '1')
}

describe('refusal', () => {
  const machine = new GroupMachine(DEFAULT_OPTIONS, () => emptyImage, silentLogger)
  const errorCode = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS

  test.each([
    ['join member=c-1', { errorCode, memberId: 'c-1', protocolName: null, leader: '', members: [] }],
    ['join member=c-1 v=6', { errorCode, memberId: 'c-1', protocolName: '', leader: '', members: [] }],
    ['sync member=c-1', { errorCode, assignment: Buffer.alloc(0) }],
    ['heartbeat member=c-1', { errorCode }],
    ['leave c-1', { errorCode }],
    ['fetch t-0', { errorCode, topics: [] }],
    ['offset-delete t-0', { errorCode, topics: [] }],
    ['list', { errorCode, groups: [] }],
    ['topics-deleted t', { errorCode, deletedOffsets: 0 }],
    ['cleanup', { errorCode, expiredOffsets: 0, deletedGroups: 0 }],
  ])('%s has the error where its client looks for it', (line, expected) => {
    expect(machine.refusal(command(line), errorCode)).toEqual(expected)
  })

  test('every partition, group and result that was asked for has the error', () => {
    expect(machine.refusal(command('commit t-0:1 u-3:2'), errorCode)).toMatchObject({
      partitions: [
        { topic: 't', partition: 0, errorCode },
        { topic: 'u', partition: 3, errorCode },
      ],
    })
    expect(machine.refusal(command('describe g h'), errorCode)).toMatchObject({
      groups: [
        { groupId: 'g', errorCode },
        { groupId: 'h', errorCode },
      ],
    })
    expect(machine.refusal(command('delete g h'), errorCode)).toEqual({
      results: [
        { groupId: 'g', errorCode },
        { groupId: 'h', errorCode },
      ],
    })
  })

  test.each([
    [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [ErrorCode.REQUEST_TIMED_OUT, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR],
    [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_COORDINATOR],
    [ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR],
    [ErrorCode.RECORD_LIST_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR],
    [ErrorCode.INVALID_FETCH_SIZE, ErrorCode.UNKNOWN_SERVER_ERROR],
    [ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_COORDINATOR],
  ])('the error %i of an append is the error %i of a coordinator', (ofAppend, ofCoordinator) => {
    expect(machine.refusal(command('heartbeat member=c-1'), ofAppend)).toEqual({ errorCode: ofCoordinator })
  })
})

test('groups are counted by state, and offsets, completed rebalances and commits as they come', () => {
  play('commit group=simple t-0:1 t-1:1', 'join v=3')
  harness.advance(0)
  play('sync member=c-1 assign=c-1:A', 'commit generation=1 member=c-1 t-0:1', 'join v=3 group=other')
  expect(harness.machine.groupsByType.classic).toEqual({
    Empty: 1,
    PreparingRebalance: 1,
    CompletingRebalance: 0,
    Stable: 1,
  })
  expect(harness.machine.offsetCount).toBe(3)
  play('offset-delete group=simple t-0')
  expect(harness.machine.offsetCount).toBe(2)
  expect(harness.machine.counts).toEqual({
    completedRebalances: 1,
    consumerRebalances: 0,
    committedOffsets: 3,
    expiredOffsets: 0,
    deletedOffsets: 1,
  })
})

test('group and member ids with the separators of timer keys keep their timers apart', () => {
  play('join group=a:1:b client=:c v=3', 'join group=a v=3 client=1:b::c')
  harness.advance(0)
  play('sync group=a:1:b member=:c-1 assign=:c-1:A', 'sync group=a member=1:b::c-1 assign=x:A')
  harness.advance(6_000)
  play('heartbeat group=a member=1:b::c-1')
  harness.advance(6_000)
  expect(harness.machine.groupsByType.classic).toMatchObject({ Empty: 1, Stable: 1 })
  play('describe a')
  expect(replies.at(-1)).toMatchObject({ groups: [{ groupState: 'Stable' }] })
})

test('what a group keeps of a request does not change with the buffer that it came in', () => {
  const join = command('join v=3')
  const metadata = (join as Extract<GroupCommand, { type: 'joinGroup' }>).request.protocols[0]!.metadata
  const before = Buffer.from(metadata)
  harness.execute(join)
  metadata.fill(0xff)
  harness.advance(0)
  expect(replies).toMatchObject([{ members: [{ metadata: before }] }])
})

test('a machine that is loaded twice over the same records is the same', () => {
  play('commit t-0:5')
  const again = new GroupMachine(DEFAULT_OPTIONS, () => emptyImage, silentLogger)
  for (const [offset, record] of [...harness.log, ...harness.log].entries()) again.apply(record, offset, -1)
  again.loaded(0)
  const { replies: answers } = again.handle(command('fetch'), {} as ReplyToken, 0)
  expect(answers).toMatchObject([
    { reply: { topics: [{ topic: 't', partitions: [{ committedOffset: 5n }] }] } },
  ])
  expect(again.offsetCount).toBe(1)
})
