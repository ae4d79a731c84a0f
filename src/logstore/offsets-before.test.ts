import { describe, expect, it } from 'vitest'
import { batchOf, logFixture } from '../testing/log-fixture.ts'
import { offsetsBefore } from './offsets-before.ts'

const log = { logStartOffset: 0, logEndOffset: 6, nowMs: 4000 }
const segments = [
  { baseOffset: 0, size: 100, modifiedMs: 1000 },
  { baseOffset: 2, size: 100, modifiedMs: 2000 },
  { baseOffset: 4, size: 100, modifiedMs: 3000 },
]

describe('offsets before a time are those where segments begin that were last written to by then', () => {
  const cases: [string, number, number, number[]][] = [
    ['the latest is the end of the log', -1, 1, [6]],
    ['the latest ones go back segment by segment', -1, 3, [6, 4, 2]],
    ['there are no more than the segments and the end', -1, 9, [6, 4, 2, 0]],
    ['the earliest is one', -2, 5, [0]],
    ['before the first segment there is none', 999, 5, []],
    ['a time between two segments', 2500, 5, [2, 0]],
    ['the time of a segment', 2000, 1, [2]],
    ['a time to come', 9000, 2, [6, 4]],
    ['none are wanted', -1, 0, []],
    ['fewer than none are wanted', -1, -1, []],
  ]
  it.each(cases)('%s', (_what, timestampMs, maxCount, offsets) => {
    expect(offsetsBefore(segments, { ...log, timestampMs, maxCount })).toEqual(offsets)
  })

  it('none is below the start of the log', () => {
    const wanted = { ...log, logStartOffset: 3, timestampMs: -1, maxCount: 9 }
    expect(offsetsBefore(segments, wanted)).toEqual([6, 4, 3, 3])
  })

  it('where the last segment is empty, the log ends where it begins', () => {
    const last = { baseOffset: 6, size: 0, modifiedMs: 3500 }
    expect(offsetsBefore([...segments, last], { ...log, timestampMs: -1, maxCount: 2 })).toEqual([6, 4])
  })
})

it('a log is asked for its own segments', () => {
  const opened = logFixture().open()
  expect(opened.offsetsBefore(-1, 5)).toEqual([0])
  opened.appendAsLeader(batchOf(['a', 'b']), { leaderEpoch: 0, origin: 'client' })
  expect(opened.offsetsBefore(-1, 5)).toEqual([2, 0])
})
