import { expect, test } from 'vitest'
import { isReached, picture, Results, type Row, ratioOf, TARGETS, table } from './report.ts'

function row(sluice: number[], kafka: number[], target: Row['target']): Row {
  return { name: 'produce p99, ms', sluice, kafka, target }
}

test('ratios are those of the medians, so that one bad round does not count', () => {
  expect(ratioOf(row([1, 2, 90], [4, 4, 4], { kind: 'ratio', atMost: 0.7 }))).toBe(0.5)
})

test.each([
  [{ kind: 'ratio', atMost: 0.7 }, 7, 10, true],
  [{ kind: 'ratio', atMost: 0.7 }, 8, 10, false],
  [{ kind: 'ratio', atLeast: 1 }, 9, 10, false],
  [{ kind: 'ratio', atLeast: 1 }, 10, 10, true],
  [{ kind: 'figure', atMost: 300 }, 300, 10, true],
  [{ kind: 'figure', atMost: 300 }, 301, 900, false],
] as const)('target %o with %d beside %d is reached: %s', (target, sluice, kafka, reached) => {
  expect(isReached(row([sluice], [kafka], target))).toBe(reached)
})

test('every target has a row in the table and a bar in the picture, and a figure that is missing is an error', () => {
  const results = new Results()
  for (const name of Object.keys(TARGETS)) {
    expect(() => results.rows()).toThrow('nobody measured')
    for (const kind of ['sluice', 'kafka'] as const) results.add(kind, { [name]: 1 })
  }
  const rows = results.rows()
  expect(table(rows).split('\n')).toHaveLength(rows.length + 2)
  expect(picture(rows).match(/<rect x=/g)).toHaveLength(rows.length)
})
