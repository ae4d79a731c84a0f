import { expect, test } from 'vitest'
import { GroupSimulation } from './testdata/simulation.ts'

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1)
const STEPS = 300

test.each(SEEDS)('members that come, go, crash and wait get one assignment a generation: seed %i', (seed) => {
  const simulation = new GroupSimulation(seed)
  simulation.run(STEPS)
  expect(simulation.counts.assignments).toBeGreaterThan(0)
})

test('the schedules reach what they are there for', () => {
  const total = { generations: 0, assignments: 0, commits: 0, restarts: 0, failedWrites: 0 }
  for (const seed of SEEDS.slice(0, 5)) {
    const simulation = new GroupSimulation(seed)
    simulation.run(STEPS)
    for (const [name, count] of Object.entries(simulation.counts)) total[name as keyof typeof total] += count
  }
  for (const count of Object.values(total)) expect(count).toBeGreaterThan(10)
})
