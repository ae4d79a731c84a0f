import { describe, expect, test } from 'vitest'
import { MixedSimulation } from './testdata/mixed-simulation.ts'

const SEEDS = Array.from({ length: 12 }, (_, seed) => seed)
const STEPS = 400

/** One schedule after the other, as the last test sums up what they saw. */
describe('groups of both protocols', { shuffle: false }, () => {
  const totals = { upgrades: 0, downgrades: 0, replays: 0, restarts: 0, deaths: 0, owned: 0 }

  test.each(SEEDS)('keep their promises through faults (seed %i)', (seed) => {
    const simulation = new MixedSimulation(seed)
    simulation.run(STEPS)
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += simulation.counts[name]
  })

  test('have moved both ways, and met all faults', () => {
    for (const count of Object.values(totals)) expect(count).toBeGreaterThan(5)
  })
})
