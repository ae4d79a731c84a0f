import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { median, merged, Rounds, readResults, writeResults } from './results.ts'

test('the median of an even count lies between the two in the middle, and the order of values is no matter', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([4, 1, 2, 90])).toBe(3)
})

test('a figure counts when both brokers have it', () => {
  const rounds = new Rounds('2026-01-31')
  rounds.add('sluice', 'a', 1)
  rounds.add('kafka', 'a', 2)
  rounds.add('sluice', 'a', 3)
  rounds.add('sluice', 'b', 4)
  expect(rounds.results()).toEqual({ a: { date: '2026-01-31', sluice: [1, 3], kafka: [2] } })
})

test('a partial run takes the place of its own figures alone, and figures that are no more go', () => {
  const of = (date: string) => ({ date, sluice: [1], kafka: [2] })
  const older = { a: of('2026-01-01'), gone: of('2026-01-01'), b: of('2026-01-01') }
  const both = merged(older, { b: of('2026-02-02') }, ['b', 'c', 'a'])
  expect(both).toEqual({ b: of('2026-02-02'), a: of('2026-01-01') })
  expect(Object.keys(both)).toEqual(['b', 'a'])
})

test('what was written is read again, to four digits, and no file is no results', () => {
  const dir = mkdtempSync(join(tmpdir(), 'results-'))
  try {
    const path = join(dir, 'results.json')
    expect(readResults(path)).toEqual({})
    writeResults(path, { 'a "b"': { date: '2026-01-31', sluice: [123456.7, 0.00123456], kafka: [2] } })
    expect(readResults(path)).toEqual({
      'a "b"': { date: '2026-01-31', sluice: [123500, 0.001235], kafka: [2] },
    })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
