import { beforeEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import type { ReplyToken } from '../cluster/coordinator/contract.ts'
import { emptyImage } from '../cluster/metadata/image.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import type { GroupCommand, GroupReplyTo } from './commands.ts'
import { GroupMachine } from './group-machine.ts'
import type { GroupRecord } from './records.ts'
import { DEFAULT_OPTIONS } from './testdata/harness.ts'

const WEEK_MS = 7 * 86_400_000
const context = { version: 9, clientId: 'c', clientHost: '/127.0.0.1' }

type Entry =
  | { readonly record: GroupRecord; readonly producerId: number }
  | { readonly ended: number; readonly result: 'commit' | 'abort' }

let machine: GroupMachine
let log: Entry[]
let nowMs: number

beforeEach(() => {
  machine = new GroupMachine(DEFAULT_OPTIONS, () => emptyImage, silentLogger)
  log = []
  nowMs = 1_700_000_000_000
})

function applyTo(target: GroupMachine, entry: Entry, offset: number): void {
  if ('ended' in entry) target.endTransaction(entry.ended, entry.result)
  else target.apply(entry.record, offset, entry.producerId)
}

function send<C extends GroupCommand>(command: C): GroupReplyTo<C> {
  const token = {} as ReplyToken
  const { records, producer, replies } = machine.handle(command, token, nowMs)
  for (const record of records) {
    log.push({ record, producerId: producer?.producerId ?? -1 })
    applyTo(machine, log.at(-1)!, log.length - 1)
  }
  return replies.find(({ to }) => to === token)!.reply as GroupReplyTo<C>
}

function end(producerId: number, result: 'commit' | 'abort'): void {
  log.push({ ended: producerId, result })
  machine.endTransaction(producerId, result)
}

const offsets = (...list: [partition: number, offset: number][]) =>
  list.map(([partition, offset]) => ({
    topic: 't',
    topicId: ZERO_UUID,
    partition,
    offset: BigInt(offset),
    leaderEpoch: -1,
    metadata: '',
  }))

const NOBODY = { memberId: '', groupInstanceId: null as string | null, generationIdOrMemberEpoch: -1 }

const commit = (...list: [number, number][]) =>
  send({
    type: 'offsetCommit',
    groupId: 'g',
    ...NOBODY,
    retentionTimeMs: -1,
    partitions: offsets(...list),
    context,
  }).partitions.map(({ errorCode }) => errorCode)

const commitIn = (producerId: number, list: [number, number][], member = NOBODY, groupId = 'g') =>
  send({
    type: 'txnOffsetCommit',
    groupId,
    ...member,
    producerId,
    producerEpoch: 0,
    partitions: offsets(...list),
    context,
  }).partitions.map(({ errorCode }) => errorCode)

/** Offsets by partition; an error code's name where there is one. Also of a machine that has replayed the log. */
function fetched(requireStable = false): Record<number, number | string> {
  const replayed = new GroupMachine(DEFAULT_OPTIONS, () => emptyImage, silentLogger)
  for (const [offset, entry] of log.entries()) applyTo(replayed, entry, offset)
  const [live, again] = [machine, replayed].map((target) => {
    const token = {} as ReplyToken
    const fetch = { memberId: null, memberEpoch: -1, topics: null, requireStable } as const
    const { replies } = target.handle({ type: 'offsetFetch', groupId: 'g', ...fetch }, token, nowMs)
    const reply = replies[0]!.reply as GroupReplyTo<Extract<GroupCommand, { type: 'offsetFetch' }>>
    return Object.fromEntries(
      reply.topics.flatMap(({ partitions }) =>
        partitions.map(({ partitionIndex, committedOffset, errorCode }) => [
          partitionIndex,
          errorCode === ErrorCode.NONE ? Number(committedOffset) : errorCode,
        ]),
      ),
    )
  })
  expect(again).toEqual(live)
  return live!
}

describe('offsets of a transaction', () => {
  test('are seen when it is committed, and never when it is aborted', () => {
    expect(commitIn(1, [[0, 10]])).toEqual([ErrorCode.NONE])
    commitIn(2, [[1, 20]])
    expect(fetched()).toEqual({})
    end(1, 'commit')
    expect(fetched()).toEqual({ 0: 10 })
    end(2, 'abort')
    expect(fetched()).toEqual({ 0: 10 })
  })

  test('hide what was committed before from who requires what is stable, until the transaction ends', () => {
    commit([0, 5], [1, 6])
    commitIn(1, [[0, 10]])
    expect(fetched()).toEqual({ 0: 5, 1: 6 })
    expect(fetched(true)).toEqual({ 0: ErrorCode.UNSTABLE_OFFSET_COMMIT, 1: 6 })
    end(1, 'abort')
    expect(fetched(true)).toEqual({ 0: 5, 1: 6 })
  })

  test('are unstable where nothing was committed before, too', () => {
    commitIn(1, [[3, 10]])
    const topics = [{ topic: 't', topicId: ZERO_UUID, partitions: [2, 3] }]
    const fetch = { memberId: null, memberEpoch: -1, topics, requireStable: true } as const
    const { topics: answered } = send({ type: 'offsetFetch', groupId: 'g', ...fetch })
    expect(answered[0]?.partitions).toMatchObject([
      { partitionIndex: 2, committedOffset: -1n, errorCode: ErrorCode.NONE },
      { partitionIndex: 3, committedOffset: -1n, errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT },
    ])
  })

  test('give way to what was committed after them', () => {
    commitIn(1, [
      [0, 10],
      [1, 11],
    ])
    commit([0, 12])
    end(1, 'commit')
    expect(fetched()).toEqual({ 0: 12, 1: 11 })
  })

  test('of two transactions: the last commit counts, whichever ends last', () => {
    commitIn(1, [[0, 10]])
    commitIn(2, [[0, 20]])
    end(2, 'commit')
    expect(fetched(true)).toEqual({ 0: ErrorCode.UNSTABLE_OFFSET_COMMIT })
    end(1, 'commit')
    expect(fetched(true)).toEqual({ 0: 20 })
  })

  test('are the last of each partition where a transaction commits several times', () => {
    commitIn(1, [[0, 10]])
    commitIn(1, [
      [0, 11],
      [1, 1],
    ])
    end(1, 'commit')
    expect(fetched()).toEqual({ 0: 11, 1: 1 })
  })

  test('are those of the transaction that ended, not of the next of the same producer', () => {
    commitIn(1, [[0, 10]])
    end(1, 'abort')
    commitIn(1, [[1, 11]])
    end(1, 'commit')
    expect(fetched()).toEqual({ 1: 11 })
  })

  test('do not come back once they are deleted', () => {
    commitIn(1, [
      [0, 10],
      [1, 11],
    ])
    commitIn(1, [[2, 1]], NOBODY, 'other')
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0 }] }]
    send({ type: 'offsetDelete', request: { groupId: 'g', topics } })
    end(1, 'commit')
    expect(fetched()).toEqual({ 1: 11 })
    commitIn(2, [[2, 12]])
    expect(send({ type: 'deleteGroups', groupIds: ['g'] }).results).toEqual([{ groupId: 'g', errorCode: 0 }])
    end(2, 'commit')
    expect(fetched()).toEqual({})
  })

  test('go with their topic', () => {
    commitIn(1, [[0, 10]])
    send({ type: 'topicsDeleted', topics: [{ name: 't', id: ZERO_UUID }] })
    end(1, 'commit')
    expect(fetched()).toEqual({})
  })

  test('keep the group, and what it had committed there, from expiring', () => {
    commit([0, 5], [1, 6])
    commitIn(1, [[0, 10]])
    nowMs += 2 * WEEK_MS
    expect(send({ type: 'cleanupExpiredOffsets' })).toMatchObject({ expiredOffsets: 1, deletedGroups: 0 })
    expect(fetched()).toEqual({ 0: 5 })
    end(1, 'commit')
    expect(fetched()).toEqual({ 0: 10 })
  })
})

describe('who commits in a transaction', () => {
  test('without a group needs no generation, and makes one', () => {
    expect(commitIn(1, [[0, 1]])).toEqual([ErrorCode.NONE])
    expect(machine.group('g')?.state).toBe('Empty')
  })

  test('names a generation only of a group that is there', () => {
    const member = { memberId: 'm', groupInstanceId: null, generationIdOrMemberEpoch: 3 }
    expect(commitIn(1, [[0, 1]], member)).toEqual([ErrorCode.ILLEGAL_GENERATION])
    expect(log).toEqual([])
  })

  test('has to be a member where it says so', () => {
    commit([0, 1])
    const member = { memberId: 'm', groupInstanceId: null, generationIdOrMemberEpoch: 3 }
    expect(commitIn(1, [[0, 1]], member)).toEqual([ErrorCode.UNKNOWN_MEMBER_ID])
    const instance = { memberId: 'm', groupInstanceId: 'i', generationIdOrMemberEpoch: 3 }
    expect(commitIn(1, [[0, 1]], instance)).toEqual([ErrorCode.UNKNOWN_MEMBER_ID])
  })
})
