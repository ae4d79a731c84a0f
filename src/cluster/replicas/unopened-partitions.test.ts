import { describe, expect, it } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import type { Steps } from '../../base/steps.ts'
import { SLICE_MS, UnopenedPartitions } from './unopened-partitions.ts'

/** Partitions of a topic that take so many steps each to be opened, of four milliseconds each. */
function unopened(steps: readonly number[]) {
  let waiting: (() => void)[] = []
  const log: string[] = []
  let nowMs = 0
  function* open(partition: number): Steps<void> {
    let isDone = false
    try {
      for (let step = 0; step < steps[partition]!; step++) {
        nowMs += 4
        yield
      }
      isDone = true
    } finally {
      log.push(`${partition} ${isDone ? 'open' : 'given up'}`)
    }
  }
  const partitions = new UnopenedPartitions({
    clock: {
      ...systemClock,
      monotonicMs: () => nowMs,
      setTimer: (_delayMs, callback) => {
        waiting.push(callback)
        return {
          cancel: () => {
            waiting = waiting.filter((each) => each !== callback)
          },
        }
      },
    },
    open: ({ partition }) => open(partition),
    turnEnded: () => log.push('turn'),
  })
  for (const partition of steps.keys())
    partitions.add({ topic: 't', topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partition, isNew: false })
  partitions.openLater()
  const turns = (count: number) => {
    for (let turn = 0; turn < count; turn++) for (const callback of waiting.splice(0)) callback()
  }
  return { partitions, log, turns, spent: () => nowMs }
}

describe('partitions that are not open yet', () => {
  it('are opened in slices, one after the other', async () => {
    const { partitions, log, turns } = unopened([2, 1, 4])
    const none = partitions.none()
    turns(1)
    expect(log).toEqual(['0 open', 'turn'])
    turns(2)
    expect(log.slice(2)).toEqual(['1 open', 'turn', '2 open', 'turn'])
    await none
    expect(partitions.count).toBe(0)
  })

  it('are opened at once when they are asked for, unless that takes longer than a slice', () => {
    const { partitions, log, turns, spent } = unopened([1, 9, 1, 9, 1])
    expect(partitions.openAsked('t', 4)).toBe(true)
    expect(partitions.openAsked('t', 3)).toBe(false)
    expect(spent()).toBeLessThanOrEqual(4 + SLICE_MS + 4)
    const before = spent()
    expect(partitions.openAsked('t', 3)).toBe(false)
    expect(spent()).toBe(before)
    expect(partitions.openAsked('t', 1)).toBe(false)
    expect(log).toEqual(['4 open'])
    turns(20)
    expect(log.filter((line) => line !== 'turn')).toEqual(['4 open', '3 open', '1 open', '0 open', '2 open'])
    expect(partitions.openAsked('t', 3)).toBe(false)
    expect(partitions.has('t', 3)).toBe(false)
  })

  it('are given up with what was begun of them', async () => {
    const { partitions, log, turns } = unopened([9, 9, 1])
    expect(partitions.openAsked('t', 1)).toBe(false)
    turns(1)
    const none = partitions.none()
    expect(partitions.giveUp(({ partition }) => partition === 1).map((each) => each.partition)).toEqual([1])
    expect(log).toContain('1 given up')
    partitions.openAtOnce('t', 2)
    partitions.close()
    await none
    turns(5)
    expect(log.filter((line) => line !== 'turn')).toEqual(['1 given up', '2 open'])
  })
})
