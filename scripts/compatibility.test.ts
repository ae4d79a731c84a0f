import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { suites } from '../compat-tests/registry.ts'
import { servedRanges } from '../src/apis/table.ts'
import { apis } from '../src/wire/apis.ts'
import { compatibilityPage } from './compatibility.ts'

test('COMPATIBILITY.md is what node scripts/compatibility.ts writes', () => {
  const written = readFileSync(new URL('../COMPATIBILITY.md', import.meta.url), 'utf8')
  expect(written).toBe(compatibilityPage())
})

test.each(suites)(
  'the suite of $client names a folder that is there and versions that are served',
  (suite) => {
    expect(existsSync(new URL(`../compat-tests/${suite.folder}`, import.meta.url))).toBe(true)
    for (const [name, versions] of Object.entries(suite.speaks)) {
      const api = apis.find((candidate) => candidate.name === name)
      const range = servedRanges.find(({ apiKey }) => apiKey === api?.key)
      expect(range, name).toBeDefined()
      for (const version of versions) {
        expect(version, name).toBeGreaterThanOrEqual(range!.minVersion)
        expect(version, name).toBeLessThanOrEqual(range!.maxVersion)
      }
    }
  },
)
