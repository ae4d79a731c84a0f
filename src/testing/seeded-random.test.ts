import { describe, expect, it } from 'vitest'
import { SeededRandom } from './seeded-random.ts'

describe('SeededRandom', () => {
  it('gives the same for the same seed and something else for another', () => {
    const draw = (seed: number) => {
      const random = new SeededRandom(seed)
      return [
        random.uint32(),
        random.integer(1, 1000),
        random.bytes(8).toString('hex'),
        random.shuffled([1, 2, 3, 4]),
      ]
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })

  it('draws integers from the whole range and nothing outside it', () => {
    const random = new SeededRandom(1)
    const seen = new Set(Array.from({ length: 300 }, () => random.integer(-2, 3)))
    expect([...seen].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2, 3])
  })

  it('shuffles without losing or changing the items', () => {
    const items = Array.from({ length: 50 }, (_, index) => index)
    const shuffled = new SeededRandom(3).shuffled(items)
    expect(shuffled).not.toEqual(items)
    expect(shuffled.sort((a, b) => a - b)).toEqual(items)
  })

  it('keeps forks apart from how much their origin is used later', () => {
    const first = new SeededRandom(5)
    const fork = first.fork()
    const second = new SeededRandom(5)
    const same = second.fork()
    second.uint32()
    expect(fork.uint32()).toBe(same.uint32())
  })
})
