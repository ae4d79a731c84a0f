import { expect, test } from 'vitest'
import { type Outcome, replayCommand, simulate } from './simulation.ts'

const SEEDS = 200
const SEEDS_PER_TEST = 25

const blocks = Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, block) => 1 + block * SEEDS_PER_TEST)

function report({ seed, violation, trace }: Outcome): string {
  return [...trace, `seed ${seed}: ${violation}`, `replay with: ${replayCommand(seed)}`].join('\n')
}

test.each(blocks)(`every promise is kept: ${SEEDS_PER_TEST} seeds from %i`, async (from) => {
  for (let seed = from; seed < from + SEEDS_PER_TEST; seed++) {
    const outcome = await simulate(seed)
    if (outcome.violation !== undefined) throw new Error(report(outcome))
  }
})

test('the same seed gives the same run, to the last event', async () => {
  for (const seed of [1, 2, 3]) {
    const first = await simulate(seed)
    const second = await simulate(seed)
    expect(second.hash).toBe(first.hash)
    expect(second.turns).toBe(first.turns)
  }
})

test('another seed gives another run', async () => {
  expect((await simulate(1)).hash).not.toBe((await simulate(2)).hash)
})
