import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseScenarios, playScenario, printScenarios } from './testdata/scenario.ts'

const folder = new URL('testdata/', import.meta.url)

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  const path = new URL(file, folder)
  const text = readFileSync(path, 'utf8')
  const scenarios = parseScenarios(text)
  if (process.env.UPDATE_SCENARIOS === '1') {
    writeFileSync(path, printScenarios(text.slice(0, Math.max(text.search(/^== /m), 0)), scenarios))
  }

  describe(file, () => {
    test.each(scenarios)('$title', (scenario) => {
      expect(playScenario(scenario)).toEqual(scenario.blocks.map(({ expected }) => withNewline(expected)))
    })
  })
}

function withNewline(text: string): string {
  return text === '' ? '' : `${text}\n`
}
