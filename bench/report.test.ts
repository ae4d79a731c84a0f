import { expect, test } from 'vitest'
import { chosen, targetsOf, WORKLOADS } from './figures.ts'
import { readmeTable } from './readme.ts'
import { isReached, picture, type Row, ratioOf, rowsOf, table } from './report.ts'
import type { Target } from './workload.ts'

function row(sluice: number[], kafka: number[], target: Target): Row {
  return { name: 'produce p99, ms', date: '2026-01-31', sluice, kafka, target }
}

test('ratios are those of the medians, so that one bad round does not count', () => {
  expect(ratioOf(row([1, 2, 90], [4, 4, 4], { atMost: 0.7 }))).toBe(0.5)
})

test.each([
  [{ atMost: 0.7 }, 7, 10, true],
  [{ atMost: 0.7 }, 8, 10, false],
  [{ atLeast: 1 }, 9, 10, false],
  [{ atLeast: 1 }, 10, 10, true],
  [{ atMost: 0.15, sluiceAtMost: 300 }, 300, 3000, true],
  [{ atMost: 0.15, sluiceAtMost: 300 }, 301, 9000, false],
  [{ atMost: 0.15, sluiceAtMost: 300 }, 300, 1500, false],
  [{}, 1, 1, undefined],
] as const)('target %o with %d beside %d is reached: %s', (target, sluice, kafka, reached) => {
  expect(isReached(row([sluice], [kafka], target))).toBe(reached)
})

test('every figure that was measured has a row in the table and a bar in the picture, in the order of the workloads', () => {
  const targets = targetsOf(WORKLOADS)
  const names = [...targets.keys()]
  const of = { date: '2026-01-31', sluice: [1], kafka: [1] }
  const results = Object.fromEntries(names.toReversed().map((name) => [name, of]))
  const rows = rowsOf(results, targets)
  expect(rows.map(({ name }) => name)).toEqual(names)
  expect(table(rows).split('\n')).toHaveLength(rows.length + 2)
  expect(picture(rows).match(/<rect x=/g)).toHaveLength(rows.length)
  delete results[names[3]!]
  expect(rowsOf(results, targets)).toHaveLength(names.length - 1)
})

test('a part of a name chooses the workloads that have it, and nothing chooses all', () => {
  const names = (only: string) => chosen(WORKLOADS, only).map(({ name }) => name)
  expect(names('Produce 1 kb × 1')).toEqual([
    'produce 1 KB × 1 partition, acks=all, Java',
    'produce 1 KB × 1 partition, acks=all, native',
  ])
  expect(names('after kill -9')).toEqual(['start, 1,000 partitions and 10 GB'])
  expect(names('')).toHaveLength(WORKLOADS.length)
  expect(names('no such')).toEqual([])
})

test('no workload has the name of another', () => {
  expect(new Set(WORKLOADS.map(({ name }) => name)).size).toBe(WORKLOADS.length)
})

test('every figure of the README is one of the benchmark, and its command chooses it', () => {
  const names = [...targetsOf(WORKLOADS).keys()]
  const rows = names.map((name) => ({ ...row([1234], [2468], {}), name }))
  const lines = readmeTable(rows).split('\n').slice(2)
  expect(lines).toContain(
    "| the same with franz-go | 1,234 records/s | 2,468 records/s | 0.50 | `--only 'acks=all, native'` |",
  )
  for (const line of lines) {
    const only = /--only '(.+)'/.exec(line)![1]!
    expect(chosen(WORKLOADS, only), only).toHaveLength(1)
  }
  const without = (name: string) => readmeTable(rows.filter((each) => each.name !== name)).split('\n').length
  expect(names.filter((name) => without(name) < lines.length + 2)).toHaveLength(lines.length)
})
