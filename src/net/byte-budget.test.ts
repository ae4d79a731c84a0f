import { describe, expect, it } from 'vitest'
import { type BudgetWaiter, ByteBudget } from './byte-budget.ts'

const KB = 1024

/** A waiter that does `onProceed` and notes that it went on. */
function waiter(name: string, log: string[], holdsUnfinished = false, onProceed?: () => void): BudgetWaiter {
  return {
    holdsUnfinished,
    holdsNothing: false,
    proceed() {
      log.push(name)
      onProceed?.()
    },
  }
}

describe('ByteBudget', () => {
  it('lets go on in the order of arrival those for whom there is room', () => {
    const log: string[] = []
    const budget = new ByteBudget(256 * KB)
    budget.takeSettled(256 * KB)
    for (const name of ['a', 'b', 'c']) budget.wait(waiter(name, log))
    expect(budget.allows(waiter('d', log))).toBe(false)
    budget.giveSettled(100 * KB)
    expect(log).toEqual(['a', 'b'])
    budget.giveSettled(100 * KB)
    expect(log).toEqual(['a', 'b', 'c'])
  })

  it('gives one overdraft when only unfinished requests fill it, and the next when that one is whole and gone', () => {
    const log: string[] = []
    const budget = new ByteBudget(100)
    const idle = waiter('idle', log)
    const first = waiter('first', log, true)
    const second = waiter('second', log, true)
    budget.take(120)
    budget.wait(idle)
    budget.wait(first)
    budget.wait(second)
    expect(log).toEqual(['first'])
    expect(budget.allows(first)).toBe(true)
    expect(budget.allows(second)).toBe(false)
    budget.take(50)
    budget.settle(first, 70)
    expect(budget.allows(first)).toBe(false)
    budget.giveSettled(70)
    expect(log).toEqual(['first', 'second'])
  })

  it('gives no overdraft while what is being handled will make room', () => {
    const log: string[] = []
    const budget = new ByteBudget(100)
    budget.takeSettled(60)
    budget.take(60)
    budget.wait(waiter('half read', log, true))
    expect(log).toEqual([])
    budget.giveSettled(60)
    expect(log).toEqual(['half read'])
  })

  it('passes the overdraft of one who leaves to the next', () => {
    const log: string[] = []
    const budget = new ByteBudget(100)
    const first = waiter('first', log, true)
    budget.take(200)
    budget.wait(first)
    budget.wait(waiter('second', log, true))
    budget.leave(first)
    expect(log).toEqual(['first', 'second'])
  })

  it('lets one go on when nothing was given back between two nudges', () => {
    const log: string[] = []
    const budget = new ByteBudget(100)
    budget.takeSettled(30)
    budget.take(90)
    budget.wait(waiter('half read', log, true))
    budget.takeSettled(1)
    budget.giveSettled(1)
    budget.nudge()
    expect(log).toEqual([])
    budget.nudge()
    expect(log).toEqual(['half read'])
  })

  it('wakes thousands who each give back at once without nesting', () => {
    const log: string[] = []
    const budget = new ByteBudget(64 * KB)
    budget.takeSettled(64 * KB)
    for (let index = 0; index < 20_000; index++) {
      budget.wait(
        waiter('x', log, false, () => {
          budget.takeSettled(64 * KB)
          budget.giveSettled(64 * KB)
        }),
      )
    }
    for (let turn = 0; turn < 20_000 && log.length < 20_000; turn++) {
      budget.giveSettled(64 * KB)
      budget.takeSettled(64 * KB)
    }
    expect(log.length).toBe(20_000)
  })

  it('is used whole when someone has waited for long, and its usual part again afterwards', () => {
    const log: string[] = []
    const budget = new ByteBudget(400, 100)
    const slow = waiter('slow', log)
    budget.takeSettled(99)
    expect(budget.allows(slow)).toBe(true)
    budget.takeSettled(101)
    budget.wait(slow)
    budget.nudge()
    // Somebody with a small request comes and goes meanwhile, and the one that waits looks whether it may go on.
    budget.take(10)
    budget.giveUnfinished(10)
    budget.wait(slow)
    expect([log, budget.allows(slow), budget.isFull]).toEqual([[], false, false])
    budget.nudge()
    expect([log, budget.allows(slow)]).toEqual([['slow'], true])
    budget.take(199)
    expect(budget.allows(slow)).toBe(true)
    budget.take(1)
    expect(budget.allows(slow)).toBe(false)
    budget.wait(slow)
    expect(budget.isFull).toBe(true)
    budget.giveSettled(200)
    budget.giveUnfinished(101)
    expect(log).toEqual(['slow', 'slow'])
    budget.take(1)
    expect(budget.allows(slow)).toBe(false)
  })

  it('has a reserve of its own size for those that hold nothing of it', () => {
    const budget = new ByteBudget(100)
    const small = { ...waiter('small', []), holdsNothing: true }
    budget.take(199)
    expect([budget.allows(small), budget.allows(waiter('large', []))]).toEqual([true, false])
    expect([budget.room, budget.isStrained]).toEqual([0, true])
    budget.take(1)
    expect(budget.allows(small)).toBe(false)
    budget.giveUnfinished(60)
    expect([budget.allows(small), budget.isStrained]).toEqual([true, false])
  })
})
