import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startBroker } from '../../src/index.ts'
import { differences } from './differences.ts'
import { BROKER_CONFIG, type Scenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import { Session } from './session.ts'
import { type Disagreement, disagreements, readTranscript } from './transcript.ts'

for (const scenario of scenarios) {
  test.concurrent(`${scenario.name}: every answer is the one that Apache Kafka gave`, async () => {
    const meant = differences.filter((difference) => difference.scenario === scenario.name)
    const used = new Set<unknown>()
    const found = (await disagree(scenario)).filter((disagreement) => {
      const { step, path } = disagreement
      const difference = meant.find(
        (row) => row.step.test(step) && row.path.test(path) && (row.when?.(disagreement) ?? true),
      )
      used.add(difference)
      return difference === undefined
    })
    expect(found.map(described)).toEqual([])
    // A difference that is no more has to leave the list.
    expect(meant.filter((difference) => !used.has(difference))).toEqual([])
  })
}

async function disagree(scenario: Scenario): Promise<Disagreement[]> {
  const expected = readTranscript(
    readFileSync(new URL(`fixtures/${scenario.name}.json`, import.meta.url), 'utf8'),
  )
  const broker = await startBroker({ config: BROKER_CONFIG })
  try {
    const session = await Session.connect(broker.host, broker.port)
    try {
      await scenario.run(session)
    } finally {
      await session.close()
    }
    return disagreements(expected, session.transcript)
  } finally {
    await broker.close()
  }
}

function described({ step, path, expected, actual }: Disagreement): string {
  return `${step}: ${path}: Kafka ${shown(expected)}, Sluice ${shown(actual)}`
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'nothing'
}
