import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../testing/seeded-random.ts'
import { type PatternResolution, patternFault, resolvePatterns } from './topic-patterns.ts'

function result(resolution: PatternResolution): ReadonlyMap<string, ReadonlySet<string>> {
  for (;;) {
    const found = resolution.step()
    if (found !== undefined) return found
  }
}

describe('topic patterns', () => {
  test('a pattern matches whole names, those of internal topics too', () => {
    const names = ['orders', 'orders-eu', 'preorders', '__consumer_offsets']
    expect(result(resolvePatterns(['orders.*', '.*_offsets', 'orders', 'order'], names))).toEqual(
      new Map([
        ['orders.*', new Set(['orders', 'orders-eu'])],
        ['.*_offsets', new Set(['__consumer_offsets'])],
        ['orders', new Set(['orders'])],
        ['order', new Set()],
      ]),
    )
  })

  test('an alternative is one of whole names', () => {
    const found = result(resolvePatterns(['a|ab|abc'], ['a', 'ab', 'abc', 'abcd']))
    expect(found.get('a|ab|abc')).toEqual(new Set(['a', 'ab', 'abc']))
  })

  test('many names are looked at in several steps', () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `topic-of-a-team-${i}`)
    const resolution = resolvePatterns(['.*-1.'], names)
    let steps = 1
    while (resolution.step() === undefined) steps++
    expect(steps).toBeGreaterThan(3)
    expect(resolution.step()?.get('.*-1.')?.size).toBe(10)
  })

  test('a pattern with a fault, as a log of Kafka may hold, matches nothing', () => {
    const found = result(resolvePatterns(['a(', 'a'], ['a']))
    expect(found.get('a(')).toEqual(new Set())
    expect(found.get('a')).toEqual(new Set(['a']))
  })

  test('without names, or patterns, there is nothing to find', () => {
    expect(result(resolvePatterns([], ['a']))).toEqual(new Map())
    expect(result(resolvePatterns(['a'], []))).toEqual(new Map([['a', new Set()]]))
  })
})

/** What RE2/J 1.8, which Kafka 4.3 uses, says of each. */
test.each([
  ['a(b', 'missing closing )'],
  ['(?P<n>a', 'missing closing )'],
  ['[a', 'missing closing ]'],
  ['(?=a)', 'invalid or unsupported Perl syntax'],
  ['(?<=a)b', 'invalid named capture'],
  ['(?z)', 'invalid or unsupported Perl syntax'],
  ['a**', 'invalid nested repetition operator'],
  ['x{2}{3}', 'invalid nested repetition operator'],
  ['a{1001}', 'invalid repeat count'],
  ['a{2,1}', 'invalid repeat count'],
  ['*', 'missing argument to repetition operator'],
  ['\\8', 'invalid escape sequence'],
  ['\\xZZ', 'invalid escape sequence'],
  ['\\C', 'invalid escape sequence'],
  ['[b-a]', 'invalid character class range'],
  ['[[:foo:]]', 'invalid character class range'],
  ['\\pX', 'invalid character class range'],
  ['(?P<n>a)(?P<n>b)', 'duplicate capture group name'],
  ['\\', 'trailing backslash at end of expression'],
])('%s: %s', (pattern, fault) => {
  expect(patternFault(pattern)).toBe(fault)
})

test.each(['a+b', '', '(|a)*', 'a{,2}', '\\Qab', '(?<n>a)', '(?i)orders', '\\pL+'])(
  '%s is sound',
  (pattern) => {
    expect(patternFault(pattern)).toBeUndefined()
  },
)

describe('hostile patterns', () => {
  const random = new SeededRandom(1)
  const names = Array.from({ length: 12 }, (_, i) =>
    i % 2 === 0 ? 'a'.repeat(249) : Array.from({ length: 249 }, () => random.pick(['a', 'b'])).join(''),
  )
  /** Many times what it takes here: what is meant is that nothing grows without bound. */
  const MOST_MS = 400

  const cpuMs = (run: () => void): number => {
    const before = process.threadCpuUsage()
    run()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1000
  }

  test.each([
    '(x+x+)+y',
    '(a*)*b',
    '(.*)*(.*)*(.*)*c',
    '(.?){370}',
    '(a?){240}a{240}',
    '(?i)(\\pL?){370}',
    '.*a.{300}',
    '[ab]*a[ab]{60}.*',
    '(.|a|.b|.){180}',
    '(?:.*a.*){200}',
  ])('%s takes no step long', (pattern) => {
    expect(patternFault(pattern)).toBeUndefined()
    const resolution = resolvePatterns([pattern], names)
    for (let steps = 0, done = false; !done; steps++) {
      expect(cpuMs(() => (done = resolution.step() !== undefined))).toBeLessThan(MOST_MS)
      expect(steps).toBeLessThanOrEqual(names.length)
    }
  })

  test.each([
    ['nested repetitions', '((a{100}){100}){100}'],
    ['a thousand times a thousand', `(${'ab'.repeat(1000)}){1000}`],
    ['a thousand times the alphabet', '(\\pL|\\pN|[a-z]){1000}'],
    ['groups within groups', '('.repeat(2000) + ')'.repeat(2000)],
    ['a list of names without end', Array.from({ length: 20_000 }, (_, i) => `t${i}`).join('|')],
    ['whole alphabets in both cases', `(?i)${'[B-\u{1E942}]'.repeat(500)}`],
    ['all properties', '\\pL'.repeat(1300)],
    ['loops beside loops', '.*'.repeat(2000)],
    ['classes without end', '[[:'.repeat(1365)],
    ['names without end', '(?P<'.repeat(1024)],
    ['quotations without end', `${'\\Q'.repeat(2000)}\\E**`],
  ])('%s: refused, and quickly', (_, pattern) => {
    let fault: string | undefined
    expect(cpuMs(() => (fault = patternFault(pattern)))).toBeLessThan(MOST_MS)
    expect(fault).toBeDefined()
  })
})
