import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { replaceSection } from '../../bench/flat-report.ts'
import { root } from '../../bench/processes.ts'
import { soakChart } from './chart.ts'
import { judge, judgementTable, LIMITS } from './judge.ts'
import { type Sample, SERIES, type Series } from './sampler.ts'

const COUNT = 200

/** A figure as a function of the time, 0 to 1; all others are level. */
function samples(series: Series, value: (time: number) => number): Sample[] {
  const level = Object.fromEntries(SERIES.map((name) => [name, 100])) as Record<Series, number>
  return Array.from({ length: COUNT }, (_, index) => ({
    ...level,
    [series]: value(index / COUNT),
    seconds: index,
  }))
}

function growing(series: Series, value: (time: number) => number): string[] {
  return judge(samples(series, value))
    .filter(({ isKept }) => !isKept)
    .map((judgement) => judgement.series)
}

test('a figure that stays as it is is flat, whatever it does in the warm-up', () => {
  for (const { series } of LIMITS) {
    expect(growing(series, () => 1e9)).toEqual([])
    expect(growing(series, (time) => (time < 0.25 ? 1e9 * time : 25e7))).toEqual([])
  }
})

test('a figure that grows all the time is named, and no other', () => {
  for (const { series } of LIMITS)
    expect(growing(series, (time) => 1e9 * (1 + 5 * time) ** 2)).toEqual([series])
})

test('growth within the limit is flat, and beyond it is not', () => {
  const [{ share, amount }] = LIMITS as [(typeof LIMITS)[number]]
  const most = 1e8 * (1 + share) + amount
  expect(growing('residentBytes', (time) => (time < 0.5 ? 1e8 : most))).toEqual([])
  expect(growing('residentBytes', (time) => (time < 0.5 ? 1e8 : most + 1))).toEqual(['residentBytes'])
})

test('a third of outliers in a quarter changes nothing', () => {
  const index = (time: number) => Math.round(time * COUNT)
  expect(growing('produceP99Ms', (time) => (index(time) % 3 === 0 ? 5000 : 10))).toEqual([])
  expect(growing('residentBytes', (time) => (time > 0.75 && index(time) % 3 === 0 ? 9e9 : 1e8))).toEqual([])
})

test('a run without a sample in each quarter is not judged', () => {
  expect(() => judge(samples('groups', () => 1).slice(0, 3))).toThrow('3 samples are too few')
})

test('the table names what grows', () => {
  const lines = judgementTable(judge(samples('threads', (time) => (time < 0.5 ? 10 : 20)))).split('\n')
  expect(lines.filter((line) => line.includes('GROWS'))).toEqual(['| threads | 10 | 20 | 2 | GROWS |'])
  expect(lines).toHaveLength(LIMITS.length + 2)
})

test('docs/performance.md has the section that the soak writes', () => {
  const page = readFileSync(join(root, 'docs/performance.md'), 'utf8')
  expect(replaceSection(page, 'soak', 'x')).toContain('<!-- soak -->\nx\n<!-- /soak -->')
})

test('every sample is in the picture', () => {
  const chart = soakChart(samples('groups', () => 1))
  const lines = [...chart.matchAll(/polyline points="([^"]*)"/g)]
  expect(lines.length).toBeGreaterThan(LIMITS.length / 2)
  for (const [, points] of lines) {
    expect(points!.split(' ')).toHaveLength(COUNT)
    expect(points).not.toMatch(/NaN|Infinity/)
  }
})
