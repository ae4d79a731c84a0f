import { describe, expect, it } from 'vitest'
import { ManualClock } from './manual-clock.ts'

describe('ManualClock', () => {
  it('fires timers by due time, those of one time in the order they were set, each at its own time', () => {
    const clock = new ManualClock(1000)
    const fired: string[] = []
    const note = (name: string) => () => fired.push(`${name}@${clock.now()}`)
    clock.setTimer(20, note('late'))
    clock.setTimer(10, note('first'))
    clock.setTimer(10, note('second'))
    clock.advance(9)
    expect(fired).toEqual([])
    clock.advance(11)
    expect(fired).toEqual(['first@1010', 'second@1010', 'late@1020'])
    expect(clock.now()).toBe(1020)
  })

  it('fires timers that were set on the way, and no cancelled ones', () => {
    const clock = new ManualClock(0)
    const fired: number[] = []
    const again = () => {
      fired.push(clock.monotonicMs())
      clock.setTimer(5, again)
    }
    clock.setTimer(5, again)
    clock.setTimer(7, () => fired.push(-1)).cancel()
    clock.advance(16)
    expect(fired).toEqual([5, 10, 15])
    expect(clock.nextTimerInMs).toBe(4)
  })

  it('moves timers and durations by nothing when the wall clock jumps', () => {
    const clock = new ManualClock(1000)
    let fired = false
    clock.setTimer(10, () => {
      fired = true
    })
    clock.jumpTo(99_000)
    expect([fired, clock.now(), clock.monotonicMs()]).toEqual([false, 99_000, 0])
    clock.advance(10)
    expect([fired, clock.now()]).toEqual([true, 99_010])
  })
})
