import { expect, test } from 'vitest'
import { CheckedRanges } from './checked-ranges.ts'

test('ranges that touch become one, whatever order they come in', () => {
  const ranges = new CheckedRanges()
  ranges.add(100, 200)
  ranges.add(300, 400)
  expect(ranges.covers(100, 400)).toBe(false)
  ranges.add(200, 250)
  ranges.add(240, 300)
  expect(ranges.covers(100, 400)).toBe(true)
  expect(ranges.covers(99, 200)).toBe(false)
  expect(ranges.covers(350, 401)).toBe(false)
})

test('who reads a whole file in order knows all of it, wherever else others append and read', () => {
  const ranges = new CheckedRanges()
  ranges.add(900, 950)
  for (const at of [500, 600, 700, 800]) ranges.add(at, at + 10)
  for (let at = 0; at < 900; at += 50) {
    ranges.add(at, at + 50)
    expect(ranges.covers(0, at + 50)).toBe(true)
  }
  expect(ranges.covers(0, 950)).toBe(true)
})

test('what is cut off is not known, and what comes in its place is when it was looked at', () => {
  const ranges = new CheckedRanges()
  ranges.add(0, 1000)
  ranges.cut(500)
  expect(ranges.covers(0, 500)).toBe(true)
  expect(ranges.covers(400, 501)).toBe(false)
  ranges.cut(0)
  expect(ranges.covers(0, 1)).toBe(false)
})
