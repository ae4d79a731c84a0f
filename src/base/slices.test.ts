import { describe, expect, it } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { Slices } from './slices.ts'
import { awaitEach, type LongCall, runAtOnce, type Steps } from './steps.ts'

/** Takes `stepsMs` milliseconds one after the other, with a pause behind each. */
function* taking(
  clock: ManualClock,
  stepsMs: readonly number[],
  done: string[] = [],
  name = '',
): Steps<string> {
  for (const ms of stepsMs) {
    clock.advance(ms)
    done.push(name)
    yield
  }
  return name
}

/** Lets promises go on and timers fire until nothing is left to wait for; gives how often others had their turn. */
async function settle<T>(clock: ManualClock, result: Promise<T>): Promise<{ value: T; turns: number }> {
  let turns = 0
  let isSettled = false
  const watched = result.finally(() => {
    isSettled = true
  })
  watched.catch(() => {})
  for (;;) {
    for (let index = 0; index < 20; index++) await Promise.resolve()
    if (isSettled) return { value: await watched, turns }
    if (clock.pendingTimers > 0) turns++
    clock.advance(0)
  }
}

describe('work', () => {
  it('that fits into the slice is done at once', () => {
    const clock = new ManualClock()
    const slices = new Slices(clock)
    expect(slices.run(() => taking(clock, [3, 3], [], 'a'), slices.turn())).toBe('a')
    expect(clock.pendingTimers).toBe(0)
  })

  it('that throws at once throws', () => {
    const slices = new Slices(new ManualClock())
    const failing = function* (isRefused = true): Steps<void> {
      if (!isRefused) yield
      throw new Error('refused')
    }
    expect(() => slices.run(() => failing(), slices.turn())).toThrow('refused')
  })

  it('that takes longer is begun anew, and lets others have their turn after each slice', async () => {
    const clock = new ManualClock()
    const slices = new Slices(clock)
    const done: string[] = []
    const result = slices.run(() => taking(clock, [6, 6, 6, 6], done, 'a'), slices.turn())
    expect(done).toHaveLength(2)
    expect(result).toBeInstanceOf(Promise)
    const { value, turns } = await settle(clock, result as Promise<string>)
    expect([value, turns, done.length]).toEqual(['a', 3, 2 + 4])
  })

  it('of one request counts together, and what is done after a turn counts from there', async () => {
    const clock = new ManualClock()
    const slices = new Slices(clock)
    const turn = slices.turn()
    expect(slices.run(() => taking(clock, [9], [], 'a'), turn)).toBe('a')
    const second = slices.run(() => taking(clock, [2], [], 'b'), turn)
    expect(second).toBeInstanceOf(Promise)
    await settle(clock, second as Promise<string>)
    expect(slices.run(() => taking(clock, [2], [], 'c'), turn)).toBe('c')
  })

  it('that begins while others wait for their turn waits soon, and has a whole slice then', async () => {
    const clock = new ManualClock()
    const slices = new Slices(clock)
    const done: string[] = []
    const first = slices.map([6, 6, 6], (ms) => clock.advance(ms), slices.turn())
    const results = ['b', 'c'].map((name) =>
      slices.map([1, 3, 6], (ms) => clock.advance(ms) ?? done.push(`${name}${ms}`), slices.turn()),
    )
    expect(done).toEqual(['b1', 'c1'])
    await settle(clock, Promise.all([first, ...results]))
    expect(done).toEqual(['b1', 'c1', 'b3', 'b6', 'c3', 'c6'])
    const alone = slices.map([6, 3], (ms) => clock.advance(ms) ?? done.push(`d${ms}`), slices.turn())
    expect(done.slice(6)).toEqual(['d6', 'd3'])
    await alone
  })

  it('that is long is done one after the other, failures or not', async () => {
    const clock = new ManualClock()
    const slices = new Slices(clock)
    const done: string[] = []
    const failing = function* (): Steps<string> {
      yield* taking(clock, [20, 20], done, 'a')
      throw new Error('refused')
    }
    const first = slices.run(failing, slices.turn()) as Promise<string>
    const second = slices.run(() => taking(clock, [20, 20], done, 'b'), slices.turn()) as Promise<string>
    await expect(settle(clock, first)).rejects.toThrow('refused')
    expect((await settle(clock, second)).value).toBe('b')
    expect(done).toEqual(['a', 'b', 'a', 'a', 'b', 'b'])
  })

  it('leaves a long call to others and counts no time for it', async () => {
    const clock = new ManualClock()
    const slices = new Slices(clock)
    const called: string[] = []
    const call: LongCall = {
      atOnce: () => void called.push('at once'),
      meanwhile: async () => void called.push('meanwhile'),
    }
    const calling = function* (): Steps<string> {
      yield call
      return called.join()
    }
    const counted: string[] = []
    const time = { pause: () => void counted.push('pause'), resume: () => void counted.push('resume') }
    const result = slices.run(calling, slices.turn(), time) as Promise<string>
    expect((await settle(clock, result)).value).toBe('meanwhile')
    expect(counted).toEqual(['pause', 'resume', 'pause', 'resume'])
    expect(runAtOnce(calling())).toBe('meanwhile,at once')
  })
})

describe('what awaits each promise that it yields', () => {
  it('is done at once where there is none', () => {
    const none = function* (count = 0): Generator<Promise<number>, string, number> {
      if (count > 0) yield Promise.resolve(count)
      return 'a'
    }
    expect(awaitEach(none())).toBe('a')
  })

  it('is given values and failures', async () => {
    const both = function* (): Generator<Promise<number>, string, number> {
      const value = yield Promise.resolve(7)
      try {
        yield Promise.reject(new Error('no'))
      } catch (error) {
        return `${value} ${String(error)}`
      }
      return 'no failure'
    }
    expect(await awaitEach(both())).toBe('7 Error: no')
  })
})

describe('a list', () => {
  it('that fits into the slice is gone through at once, in its order', async () => {
    const clock = new ManualClock()
    const slices = new Slices(clock)
    const seen: number[] = []
    const result = slices.map([1, 2, 3], (item) => seen.push(item) * 10, slices.turn())
    expect(seen).toEqual([1, 2, 3])
    expect(clock.pendingTimers).toBe(0)
    expect(await result).toEqual([10, 20, 30])
  })

  it('that takes longer lets others have their turn, and one of those that wait goes on at a time', async () => {
    let nowMs = 0
    const timers: (() => void)[] = []
    const slices = new Slices({
      now: () => nowMs,
      monotonicMs: () => nowMs,
      setTimer(_delayMs, callback) {
        timers.push(callback)
        return { cancel() {} }
      },
    })
    const seen: string[] = []
    const go = (name: string) =>
      slices.map(
        [1, 2, 3, 4],
        (item) => {
          nowMs += 6
          seen.push(`${name}${item}`)
          return Promise.resolve(item)
        },
        slices.turn(),
      )
    const both = Promise.all([go('a'), go('b')])
    const turns: string[] = []
    while (timers.length > 0) {
      turns.push(seen.splice(0).join(' '))
      expect(timers.length).toBe(1)
      timers.shift()!()
      for (let index = 0; index < 20; index++) await Promise.resolve()
    }
    expect([...turns, seen.join(' ')]).toEqual(['a1 a2 b1', 'a3 a4', 'b2 b3', '', 'b4'])
    expect(await both).toEqual([
      [1, 2, 3, 4],
      [1, 2, 3, 4],
    ])
  })

  it('of which one fails before its end fails, and nothing is left unheard', async () => {
    const clock = new ManualClock()
    const slices = new Slices(clock)
    const failing = slices.map(
      [1, 2, 3],
      (item) => {
        clock.advance(11)
        return item === 1 ? Promise.reject(new Error('refused')) : Promise.resolve(item)
      },
      slices.turn(),
    )
    await expect(settle(clock, failing)).rejects.toThrow('refused')
  })
})
