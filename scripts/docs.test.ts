import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { brokerKeys } from '../src/config/broker-keys.ts'
import { pages } from './docs.ts'

test.each(Object.keys(pages))('docs/%s is what npm run docs writes', (name) => {
  const written = readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8')
  expect(written).toBe(pages[name]!())
})

test('every broker key has one row on the reference page, whatever its section', () => {
  const page = pages['configuration.md']!()
  for (const name of Object.keys(brokerKeys)) {
    const rows = page.split('\n').filter((line) => line.startsWith(`| \`${name}\` | `))
    expect(
      rows.some((line) => /\| (?:no|each broker|cluster) \| (?:acted|accepted|protected) \|/.test(line)),
      name,
    ).toBe(true)
  }
})
