import { expect, test } from 'vitest'
import { includesVersion, parseVersions } from './versions.ts'

test("ranges in Kafka's notation are closed, and open with a plus", () => {
  expect(parseVersions('4')).toEqual({ min: 4, max: 4 })
  expect(parseVersions('0-12')).toEqual({ min: 0, max: 12 })
  expect(parseVersions('3+')).toEqual({ min: 3, max: Number.POSITIVE_INFINITY })
  expect([2, 3, 7, 8].map((version) => includesVersion('3-7', version))).toEqual([false, true, true, false])
  expect(includesVersion(undefined, 0)).toBe(false)
})

test('anything else is refused', () => {
  for (const text of ['', 'none', '3-', '-3', '3 +', '1-2-3'])
    expect(() => parseVersions(text)).toThrow(TypeError)
})
