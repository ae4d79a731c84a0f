import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import type { EntityQuotas, QuotaEntity } from '../../cluster/metadata/image.ts'
import { ClientLimits } from './client-limits.ts'
import { ConnectionRates, noConnectionRateLimits } from './connection-rates.ts'
import { canonicalIp } from './ip.ts'
import { MutationQuota } from './mutation-quota.ts'
import { RateQuota, throttleMs } from './rate-quota.ts'
import { TokenBucket } from './token-bucket.ts'
import { UsageByClient } from './usage.ts'
import { WindowedRate } from './windowed-rate.ts'

const WINDOWS = { samples: 11, windowMs: 1000 }
const alice = { user: 'alice', clientId: 'app' }

interface History {
  readonly kind: 'rate' | 'bucket'
  readonly samples: number
  readonly windowMs: number
  readonly limit: number
  /** Time, value, and what Kafka made of it: the throttle time of a rate, the tokens that a bucket is left with. */
  readonly events: readonly (readonly [number, number, number])[]
}

/** Made by Kafka's own classes; see compat-tests/java/fixtures/README.md. */
const histories = readFileSync(new URL('fixtures/kafka-throttling.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as History)

test('a rate over its limit is throttled for as long as Kafka throttles it', () => {
  const rates = histories.filter(({ kind }) => kind === 'rate')
  expect(rates.length).toBeGreaterThan(10)
  for (const { limit, events, ...windows } of rates) {
    const usage = new WindowedRate()
    for (const [nowMs, value, expected] of events) {
      usage.record(value, nowMs, windows)
      expect(throttleMs(usage, limit, nowMs, windows, Number.POSITIVE_INFINITY)).toBe(expected)
    }
  }
})

test('a bucket has the tokens that Kafka’s has', () => {
  const buckets = histories.filter(({ kind }) => kind === 'bucket')
  expect(buckets.length).toBeGreaterThan(10)
  for (const { limit, events, ...windows } of buckets) {
    const bucket = new TokenBucket(events[0]![0])
    for (const [nowMs, value, expected] of events)
      expect(bucket.take(value, limit, nowMs, windows)).toBeCloseTo(expected, 6)
  }
})

function quotas(...entries: readonly (readonly [QuotaEntity, number])[]): EntityQuotas[] {
  return entries.map(([entity, value]) => ({ entity, values: new Map([['q', value]]) }))
}

describe('the limit of a client', () => {
  const all = quotas(
    [{ user: 'alice', clientId: 'app' }, 1],
    [{ user: 'alice', clientId: null }, 2],
    [{ user: 'alice' }, 3],
    [{ user: null, clientId: 'app' }, 4],
    [{ user: null, clientId: null }, 5],
    [{ user: null }, 6],
    [{ clientId: 'app' }, 7],
    [{ clientId: null }, 8],
  )

  it('is the most specific one, in Kafka’s order', () => {
    for (let from = 0; from < all.length; from++) {
      expect(new ClientLimits('q', all.slice(from)).of('alice', 'app')?.limit).toBe(from + 1)
    }
    expect(new ClientLimits('q', []).of('alice', 'app')).toBeUndefined()
  })

  it('is shared by the user, by the client id or by both together, as its entity says', () => {
    const sharers = all.map((_, from) => new ClientLimits('q', all.slice(from)).of('alice', 'app'))
    expect(sharers.map((sharer) => [sharer?.user, sharer?.clientId])).toEqual([
      ['alice', 'app'],
      ['alice', 'app'],
      ['alice', ''],
      ['alice', 'app'],
      ['alice', 'app'],
      ['alice', ''],
      ['', 'app'],
      ['', 'app'],
    ])
  })

  it('without a client id is the user’s', () => {
    expect(new ClientLimits('q', all).of('alice', '')?.limit).toBe(3)
    expect(new ClientLimits('q', all).of('bob', '')?.limit).toBe(6)
    expect(new ClientLimits('q', all.slice(6)).of('alice', '')).toBeUndefined()
  })

  it('is of its own quota, and of nobody else', () => {
    expect(new ClientLimits('other', all).none).toBe(true)
    const one = new ClientLimits('q', quotas([{ clientId: 'app' }, 7]))
    expect(one.none).toBe(false)
    expect(one.of('alice', 'other')).toBeUndefined()
  })
})

describe('a quota on a rate', () => {
  function quota(limit: number, maxThrottleMs?: number) {
    const made = new RateQuota({ windows: WINDOWS, ...(maxThrottleMs !== undefined && { maxThrottleMs }) })
    made.setLimits(new ClientLimits('q', quotas([{ clientId: 'app' }, limit])))
    return made
  }

  it('throttles until the rate would be at the limit, over ten windows and the part of one', () => {
    const limited = quota(100)
    expect(limited.record(alice, 1000, 0)).toBe(0)
    // 1500 over 10 s, where 1000 are allowed: half as long again.
    expect(limited.record(alice, 500, 0)).toBe(5000)
    // After 5 s of it, 1500 over 15 s are just allowed; but ten windows are what is looked at.
    expect(limited.record(alice, 0, 5000)).toBe(5000)
    expect(limited.record(alice, 0, 16_000)).toBe(0)
  })

  it('throttles nobody without a limit, and keeps nothing of them', () => {
    const limited = quota(1)
    expect(limited.record({ user: 'alice', clientId: 'other' }, 1e9, 0)).toBe(0)
    expect(new RateQuota({ windows: WINDOWS }).enabled).toBe(false)
  })

  it('is bounded where it is told to', () => {
    expect(quota(1, 1000).record(alice, 1e6, 0)).toBe(1000)
  })

  it('does not count what is taken back', () => {
    const limited = quota(100)
    limited.record(alice, 5000, 0)
    limited.recordOnly(alice, -5000, 0)
    expect(limited.record(alice, 1000, 0)).toBe(0)
  })

  it('takes a new limit at once, with what was used before', () => {
    const limited = quota(100)
    limited.record(alice, 1000, 0)
    limited.setLimits(new ClientLimits('q', quotas([{ clientId: 'app' }, 50])))
    expect(limited.record(alice, 0, 0)).toBe(10_000)
  })

  it('forgets everybody when the last limit is removed', () => {
    const limited = quota(100)
    limited.record(alice, 1e6, 0)
    limited.setLimits(new ClientLimits('q', []))
    expect(limited.enabled).toBe(false)
    limited.setLimits(new ClientLimits('q', quotas([{ clientId: 'app' }, 100])))
    expect(limited.record(alice, 1000, 0)).toBe(0)
  })

  it('allows in one go what all windows but one allow', () => {
    expect(quota(100).maxInWindows(alice)).toBe(1000)
    expect(quota(100).maxInWindows({ user: 'alice', clientId: 'other' })).toBe(Number.POSITIVE_INFINITY)
  })
})

test('clients that come and go take no more memory than the bound, and the busy ones stay', () => {
  const usage = new UsageByClient(() => new WindowedRate())
  const busy = { limit: 1, user: 'u', clientId: 'busy' }
  const first = usage.of(busy, 0)
  for (let i = 0; i < 25_000; i++) {
    usage.of({ limit: 1, user: 'u', clientId: `c${i}` }, 0)
    if (i % 1000 === 0) usage.of(busy, 0)
  }
  expect(usage.size).toBe(10_000)
  expect(usage.of(busy, 0)).toBe(first)
})

test('clients with the longest names are told apart, as quickly as others', () => {
  const usage = new UsageByClient(() => new WindowedRate())
  const clientOf = (i: number) => ({ limit: 1, user: 'u', clientId: `${'x'.repeat(32_000)}${10_000 + i}` })
  const first = usage.of(clientOf(0), 0)
  for (let i = 1; i < 3000; i++) usage.of(clientOf(i), 0)
  expect(usage.size).toBe(3000)
  expect(usage.of(clientOf(0), 0)).toBe(first)
})

describe('the quota on changes', () => {
  function quota(limit: number) {
    const made = new MutationQuota(WINDOWS)
    made.setLimits(new ClientLimits('q', quotas([{ user: 'alice' }, limit])))
    return made
  }

  it('lets a strict request go over once, and refuses what comes next until it is paid for', () => {
    const limited = quota(1)
    const first = limited.allowance(alice, true)
    expect(first.take('a', 21, 0)).toBe(true)
    expect(first.throttleMs(0)).toBe(0)
    expect(first.take('b', 1, 0)).toBe(false)
    expect(first.throttleMs(0)).toBe(10_000)
    expect(first.throttleMs(4000)).toBe(6000)
    expect(limited.allowance(alice, true).take('b', 1, 9999)).toBe(false)
    expect(limited.allowance(alice, true).take('b', 1, 10_000)).toBe(true)
  })

  it('does all that an older client asks for, and throttles it', () => {
    const old = quota(1).allowance(alice, false)
    expect(old.take('a', 21, 0)).toBe(true)
    expect(old.throttleMs(0)).toBe(10_000)
    expect(old.take('b', 1, 0)).toBe(true)
    expect(old.throttleMs(0)).toBe(11_000)
  })

  it('counts a subject once, however often it is asked', () => {
    const limited = quota(1)
    const request = limited.allowance(alice, true)
    for (let i = 0; i < 5; i++) expect(request.take('a', 11, 0)).toBe(true)
    expect(limited.allowance(alice, true).take('b', 1, 0)).toBe(true)
    expect(limited.allowance(alice, true).take('c', 1, 0)).toBe(false)
  })

  it('is none for others', () => {
    const request = quota(1).allowance({ user: 'bob', clientId: 'app' }, true)
    expect(request.take('a', 1e6, 0)).toBe(true)
    expect(request.take('b', 1e6, 0)).toBe(true)
    expect(request.throttleMs(0)).toBe(0)
  })
})

describe('the rate of connections', () => {
  it('makes a listener wait, no longer than a window, for the broker’s rate or its own', () => {
    const rates = new ConnectionRates(WINDOWS)
    rates.limits = { ...noConnectionRateLimits, broker: 2, listeners: new Map([['A', 1]]) }
    for (let i = 0; i < 10; i++) expect(rates.accept('A', 0)).toBe(0)
    expect(rates.accept('A', 0)).toBe(1000)
    for (let i = 0; i < 9; i++) expect(rates.accept('B', 0)).toBe(0)
    expect(rates.accept('B', 0)).toBe(500)
  })

  it('counts no connection from an address that it turns away', () => {
    const rates = new ConnectionRates(WINDOWS)
    rates.limits = { ...noConnectionRateLimits, addresses: new Map([['10.0.0.1', 1]]), anyAddress: 2 }
    for (let i = 0; i < 10; i++) expect(rates.admit('10.0.0.1', 0)).toBe(0)
    for (let i = 0; i < 10; i++) expect(rates.admit('10.0.0.1', 0)).toBe(1000)
    for (let i = 0; i < 20; i++) expect(rates.admit('10.0.0.2', 0)).toBe(0)
    expect(rates.admit('10.0.0.2', 0)).toBe(500)
    expect(rates.admit('10.0.0.1', 11_000)).toBe(0)
  })

  it('is not looked at without a limit', () => {
    const rates = new ConnectionRates(WINDOWS)
    for (let i = 0; i < 10_000; i++) expect(rates.accept('A', 0) + rates.admit('10.0.0.1', 0)).toBe(0)
  })
})

test('an address is the same one however it is written', () => {
  expect(canonicalIp('10.0.0.1')).toBe('10.0.0.1')
  expect(canonicalIp('0:0:0:0:0:0:0:1')).toBe('::1')
  expect(canonicalIp('[2001:DB8::0:1]')).toBe('2001:db8::1')
  expect(canonicalIp('::ffff:10.0.0.1')).toBe('10.0.0.1')
  for (const text of ['localhost', '10.0.0', '256.1.1.1', '', '1::2::3', '::1]/x['])
    expect(canonicalIp(text)).toBeUndefined()
})
