import { expect, test } from 'vitest'
import { matchPatterns, refuseClientMetricsConfig } from './client-metrics-config.ts'

test('patterns are found by what they are for, the last of several for the same', () => {
  const read = matchPatterns(['client_id=a.*', 'client_source_port = 9\\d ', 'client_id=b.*'])
  if ('illegal' in read) throw new Error(read.illegal)
  expect([...read.patterns.keys()]).toEqual(['client_id', 'client_source_port'])
  expect(read.patterns.get('client_id')!.matches('bcd')).toBe(true)
  expect(read.patterns.get('client_id')!.matches('abc')).toBe(false)
  expect(read.patterns.get('client_source_port')!.matches('90')).toBe(true)
})

test.each([
  'no.such=a',
  'client_id',
  'client_id=',
  '=a',
  'client_id=a=b',
  'client_id=[a',
  'client_id=(a)\\1',
])('the pattern %j is illegal, and named', (entry) => {
  expect(matchPatterns(['client_id=a', entry])).toEqual({ illegal: entry })
  expect(refuseClientMetricsConfig('s', new Map([['match', entry]]))).toEqual({
    kind: 'config',
    message: `Illegal client matching pattern: ${entry}`,
  })
})

test.each([
  ['', {}, 'request', "Subscription name can't be empty"],
  ['s', { 'no.such': '1', 'interval.ms': 'x' }, 'request', 'Unknown client metrics configuration: no.such'],
  ['s', { 'interval.ms': 'x' }, 'config', 'Not a number of type INT'],
  ['s', { 'interval.ms': '99' }, 'request', 'interval must be between 100 and 3600000 (1 hour)'],
  ['s', { metrics: 'a,,b' }, 'config', 'must not be empty'],
])('subscription %j with %j is refused for its %s', (name, configs, kind, text) => {
  const refusal = refuseClientMetricsConfig(name, new Map(Object.entries(configs)))
  expect(refusal?.kind).toBe(kind)
  expect(refusal?.message).toContain(text)
})

test('an interval at either bound, lists and nothing at all are taken', () => {
  for (const configs of [
    { 'interval.ms': '100' },
    { 'interval.ms': '3600000', metrics: '*', match: '' },
    {},
  ]) {
    expect(refuseClientMetricsConfig('s', new Map(Object.entries(configs)))).toBeUndefined()
  }
})
