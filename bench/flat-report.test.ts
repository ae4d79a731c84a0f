import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Curve, chart, flatTable, growth, replaceSection } from './flat-report.ts'
import { root } from './processes.ts'

function curve(...micros: number[]): Curve {
  return { name: 'produce', points: micros.map((each, place) => ({ count: 10 ** place, micros: each })) }
}

test('growth is that of the dearest size over the smallest, wherever it stands', () => {
  expect(growth(curve(50, 65, 55))).toBe(1.3)
  expect(growth(curve(50, 40, 45))).toBe(1)
})

test('a curve that grows by more than three tenths is missed', () => {
  const [, , flat, steep] = flatTable([curve(50, 65, 55), curve(50, 66, 55)]).split('\n')
  expect(flat).toContain('| 1.30 | ≤ 1.3 | reached |')
  expect(steep).toContain('| 1.32 | ≤ 1.3 | missed |')
})

test('every point of every curve is in the picture', () => {
  expect(chart([curve(1, 2, 3), curve(4, 5, 6), curve(7, 8, 9)]).match(/<circle/g)).toHaveLength(9)
})

test('a section is replaced between its marks alone, again and again', () => {
  const page = 'a\n<!-- flat -->\nold\n<!-- /flat -->\nb\n'
  const once = replaceSection(page, 'flat', 'new')
  expect(once).toBe('a\n<!-- flat -->\nnew\n<!-- /flat -->\nb\n')
  expect(replaceSection(once, 'flat', 'new')).toBe(once)
  expect(() => replaceSection('a', 'flat', 'new')).toThrow('no section flat')
})

test('docs/performance.md has the section that bench:flat writes', () => {
  const page = readFileSync(join(root, 'docs/performance.md'), 'utf8')
  expect(replaceSection(page, 'flat', 'x')).toContain('<!-- flat -->\nx\n<!-- /flat -->')
})
