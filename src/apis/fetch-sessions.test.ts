import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import {
  type FetchedState,
  type FetchSessionRequest,
  FetchSessions,
  type FetchTarget,
} from './fetch-sessions.ts'

const MINUTE_MS = 60_000

function target(partition: number, fetchOffset = 0): FetchTarget {
  return {
    topic: 't',
    topicId: ZERO_UUID,
    partition,
    currentLeaderEpoch: -1,
    fetchOffset,
    lastFetchedEpoch: -1,
    logStartOffset: -1,
    partitionMaxBytes: 1000,
  }
}

function request(fields: Partial<FetchSessionRequest>): FetchSessionRequest {
  return {
    version: 12,
    sessionId: 0,
    sessionEpoch: 0,
    isFollower: false,
    targets: [],
    forgotten: [],
    ...fields,
  }
}

function state(fields: Partial<FetchedState> = {}): FetchedState {
  return {
    errorCode: ErrorCode.NONE,
    recordBytes: 0,
    highWatermark: 10,
    logStartOffset: 0,
    diverging: false,
    preferredReadReplica: -1,
    ...fields,
  }
}

function sessions(maxSessions = 10) {
  let nextId = 100
  return new FetchSessions(maxSessions, () => nextId++)
}

/** Opens a session over partitions 0 to count-1; its id. */
function establish(
  all: FetchSessions,
  count: number,
  nowMs = 0,
  isFollower = false,
  client?: FetchSessionRequest['client'],
): number {
  const targets = Array.from({ length: count }, (_, partition) => target(partition))
  const context = all.open(request({ targets, isFollower, ...(client !== undefined && { client }) }), nowMs)
  return context.finish(
    targets.map(() => state()),
    nowMs,
  )
}

describe('FetchSessions', () => {
  it('gives a full fetch a session, and every partition in its answer', () => {
    const all = sessions()
    const context = all.open(request({ targets: [target(0), target(1)] }), 0)
    expect(context.mustSend(0, state())).toBe(true)
    expect(context.finish([state(), state()], 0)).toBe(100)
  })

  it('keeps a fetch with the final epoch out of sessions, and closes the one it names', () => {
    const all = sessions()
    const id = establish(all, 1)
    const context = all.open(request({ sessionId: id, sessionEpoch: -1, targets: [target(0)] }), 0)
    expect(context.finish([state()], 0)).toBe(0)
    expect(all.size).toBe(0)
  })

  it('answers only for partitions that changed since they were sent', () => {
    const all = sessions()
    const id = establish(all, 4)
    const context = all.open(request({ sessionId: id, sessionEpoch: 1 }), 0)
    expect(context.targets.map(({ partition }) => partition)).toEqual([0, 1, 2, 3])
    expect(context.mustSend(0, state())).toBe(false)
    expect(context.mustSend(1, state({ highWatermark: 11 }))).toBe(true)
    expect(context.mustSend(2, state({ logStartOffset: 3 }))).toBe(true)
    expect(context.mustSend(3, state({ recordBytes: 5 }))).toBe(true)
  })

  it('sends a partition once more when its error has gone', () => {
    const all = sessions()
    const id = establish(all, 1)
    const failing = state({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER })
    all.open(request({ sessionId: id, sessionEpoch: 1 }), 0).finish([failing], 0)
    expect(all.open(request({ sessionId: id, sessionEpoch: 2 }), 0).mustSend(0, state())).toBe(true)
  })

  it('puts a partition whose records were sent behind the others', () => {
    const all = sessions()
    const id = establish(all, 3)
    all
      .open(request({ sessionId: id, sessionEpoch: 1 }), 0)
      .finish([state({ recordBytes: 5 }), state(), state()], 0)
    const context = all.open(request({ sessionId: id, sessionEpoch: 2 }), 0)
    expect(context.targets.map(({ partition }) => partition)).toEqual([1, 2, 0])
  })

  it('moves, adds and forgets partitions as the requests say', () => {
    const all = sessions()
    const id = establish(all, 2)
    const context = all.open(
      request({
        sessionId: id,
        sessionEpoch: 1,
        targets: [target(0, 7), target(5)],
        forgotten: [{ topic: 't', topicId: ZERO_UUID, partition: 1 }],
      }),
      0,
    )
    expect(context.targets.map(({ partition, fetchOffset }) => [partition, fetchOffset])).toEqual([
      [0, 7],
      [5, 0],
    ])
  })

  it('ends a session that has forgotten all its partitions', () => {
    const all = sessions()
    const id = establish(all, 1)
    const forgotten = [{ topic: 't', topicId: ZERO_UUID, partition: 0 }]
    const context = all.open(request({ sessionId: id, sessionEpoch: 1, forgotten }), 0)
    expect(context.finish([], 0)).toBe(0)
    expect(all.size).toBe(0)
  })

  it.each([
    ['an unknown session', { sessionId: 999, sessionEpoch: 1 }, ErrorCode.FETCH_SESSION_ID_NOT_FOUND],
    [
      'an epoch that is not the next',
      { sessionId: 100, sessionEpoch: 3 },
      ErrorCode.INVALID_FETCH_SESSION_EPOCH,
    ],
    [
      'a change from names to ids',
      { sessionId: 100, sessionEpoch: 1, version: 13 },
      ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
    ],
  ])('refuses %s', (_what, fields, errorCode) => {
    const all = sessions()
    establish(all, 1)
    expect(all.open(request(fields), 0).errorCode).toBe(errorCode)
  })

  it('gives no session when all are in use and none is outranked', () => {
    const all = sessions(1)
    establish(all, 1)
    expect(establish(all, 5, 10)).toBe(0)
    expect(all.size).toBe(1)
  })

  it('tells when all places are taken', () => {
    const told: string[] = []
    const client = { boundMet: (bound: string) => void told.push(bound) }
    const all = sessions(1)
    establish(all, 1, 0, false, client)
    expect(told).toEqual([])
    establish(all, 1, 0, false, client)
    expect(told).toEqual(['fetch.sessions'])
  })

  it('evicts a session that was not used for two minutes', () => {
    const all = sessions(1)
    establish(all, 9)
    expect(establish(all, 1, 2 * MINUTE_MS + 1)).toBe(101)
    expect(all.size).toBe(1)
  })

  it('evicts an older and smaller session that is in use, not a larger one', () => {
    const all = sessions(1)
    const id = establish(all, 2)
    all.open(request({ sessionId: id, sessionEpoch: 1 }), 2 * MINUTE_MS).finish([state(), state()], 0)
    expect(establish(all, 2, 2 * MINUTE_MS + 1)).toBe(0)
    expect(establish(all, 3, 2 * MINUTE_MS + 1)).not.toBe(0)
  })

  it('evicts no follower for a consumer', () => {
    const all = sessions(1)
    const id = establish(all, 1, 0, true)
    all
      .open(request({ sessionId: id, sessionEpoch: 1, isFollower: true }), 2 * MINUTE_MS)
      .finish([state()], 0)
    expect(establish(all, 50, 2 * MINUTE_MS + 1)).toBe(0)
  })
})
