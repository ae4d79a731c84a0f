import { expect, test } from 'vitest'
import { Ledger } from './ledger.ts'

test('what was acknowledged and read at the same place is right, whichever came first', () => {
  const ledger = new Ledger()
  ledger.acknowledged('a', 0)
  ledger.seen('a', 0)
  ledger.seen('b', 1)
  ledger.acknowledged('b', 1)
  ledger.seen('c', 2)
  ledger.acknowledged('c')
  expect(ledger.inspect()).toEqual([])
  expect(ledger.matched).toBe(3)
})

test('what is lost, elsewhere, there twice or never acknowledged is named', () => {
  const ledger = new Ledger()
  ledger.acknowledged('lost', 0)
  ledger.acknowledged('elsewhere', 1)
  ledger.seen('elsewhere', 2)
  ledger.seen('twice', 3)
  ledger.seen('twice', 4)
  expect(ledger.inspect()).toEqual([
    'elsewhere at 2, acknowledged at 1',
    'twice: twice at 3 and 4',
    'lost: lost, acknowledged at 0',
    'never acknowledged: twice at 4',
  ])
})

test('what retention took before the reader came is not lost', () => {
  const ledger = new Ledger()
  ledger.acknowledged('old', 4)
  ledger.acknowledged('new', 5)
  ledger.beginsAt(5)
  expect(ledger.inspect()).toEqual(['lost: new, acknowledged at 5'])
  expect(ledger.removed).toBe(1)
})
