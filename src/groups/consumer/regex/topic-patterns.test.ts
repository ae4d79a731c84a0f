import { describe, expect, test } from 'vitest'
import { patternFault, resolvePatterns } from './topic-patterns.ts'

describe('topic patterns', () => {
  test('a pattern matches whole names, those of internal topics too', () => {
    const names = ['orders', 'orders-eu', 'preorders', '__consumer_offsets']
    const resolution = resolvePatterns(['orders.*', '.*_offsets', 'orders'], names)
    expect(resolution.step()).toEqual(
      new Map([
        ['orders.*', new Set(['orders', 'orders-eu'])],
        ['.*_offsets', new Set(['__consumer_offsets'])],
        ['orders', new Set(['orders'])],
      ]),
    )
  })

  test('many names are looked at in several steps', () => {
    const names = Array.from({ length: 2500 }, (_, i) => `t${i}`)
    const resolution = resolvePatterns(['t1.'], names)
    expect(resolution.step()).toBeUndefined()
    expect(resolution.step()).toBeUndefined()
    expect(resolution.step()?.get('t1.')?.size).toBe(10)
  })

  test('what RE2 does not know is a fault with a text, and a sound pattern has none', () => {
    expect(patternFault('a(b')).toContain('a(b')
    expect(patternFault('(?=a)')).toBeDefined()
    expect(patternFault('a+b')).toBeUndefined()
  })
})
