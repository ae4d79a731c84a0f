import { RE2JS } from 're2js'
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../testing/seeded-random.ts'
import { expandedSize, sizeFault } from './pattern-size.ts'

describe('what is not compiled', () => {
  test.each([
    ['a list of names without end', 'orders|'.repeat(1000), 'longer than 4096 characters'],
    ['repetitions of repetitions', '((a{100}){100}){100}', 'expression too large'],
    ['a repetition of much', `(?:${'ab|'.repeat(100)}a){1000}`, 'expression too large'],
    ['one behind an empty quotation', `(?:${'ab|'.repeat(100)}a)\\Q\\E{1000}`, 'expression too large'],
    ['one behind flags', `(?:${'ab|'.repeat(100)}a)(?s){1000}`, 'expression too large'],
    ['an open-ended one', `(?:${'ab|'.repeat(100)}a){1000,}`, 'expression too large'],
    ['alphabets', '\\pL\\PN'.repeat(20), 'more than 32 Unicode properties'],
    ['alphabets without case', `(?i)${'[B-\u{1E942}]'.repeat(5)}`, 'more than 4 ranges beyond ASCII'],
    ['the same by their numbers', `(?i:${'[B-\\x{1E942}]'.repeat(5)})`, 'more than 4 ranges beyond ASCII'],
  ])('%s', (_, pattern, fault) => {
    expect(sizeFault(pattern)).toContain(fault)
  })

  test.each([
    '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
    '(?i)(orders|payments)[-._](eu|us)[-._]v\\d{1,3}',
    Array.from({ length: 200 }, (_, i) => `team-${i}.orders`).join('|'),
    '[{1000}]\\{1000}[^\\]]\\Q(a){1000}\\E',
  ])('but not %s', (pattern) => {
    expect(sizeFault(pattern)).toBeUndefined()
  })
})

const ATOMS =
  'a . \\d [ab] [^a] [[:alpha:]] [[] []x] [\\]{9}] \\pL \\x{41} \\Qa*b\\E \\Q\\E (?i) ^ \\b k \\. \u{1E942}'
const REPETITIONS = '* + ? {2} {3,} {0,4} {10} {100} *? {1} {0} {2,2}'

function randomPattern(random: SeededRandom, depth: number): string {
  let pattern = ''
  for (let i = random.integer(1, 4); i > 0; i--) {
    const group = random.pick(['(', '(?:', '(?i-s:', `(?P<n${random.uint32()}>`, `(?<n${random.uint32()}>`])
    const inGroup = depth > 0 && random.chance(0.4)
    pattern += inGroup ? `${group}${randomPattern(random, depth - 1)})` : random.pick(ATOMS.split(' '))
    if (random.chance(0.6)) pattern += random.pick(REPETITIONS.split(' '))
    if (random.chance(0.15)) pattern += '|'
  }
  return pattern
}

test.each([1, 2, 3])('the size of a program is foreseen to less than a half (seed %i)', (seed) => {
  const random = new SeededRandom(seed)
  let compiled = 0
  for (let i = 0; i < 1500; i++) {
    const pattern = randomPattern(random, random.integer(0, 5))
    if (expandedSize(pattern) > 5000) continue
    let program: RE2JS
    try {
      program = RE2JS.compile(pattern)
    } catch {
      continue
    }
    compiled++
    expect(program.programSize(), pattern).toBeLessThanOrEqual(expandedSize(pattern) * 1.5)
  }
  expect(compiled).toBeGreaterThan(500)
})
