import { expect, it } from 'vitest'
import { ClientLimits } from '../security/quotas/client-limits.ts'
import { RateQuota } from '../security/quotas/rate-quota.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { RequestTime } from './request-time.ts'

const client = { user: 'u', clientId: 'c' }

/** Ten percent of the loop: a second in ten windows of a second. */
function setUp() {
  const clock = new ManualClock()
  const quota = new RateQuota({ windows: { samples: 11, windowMs: 1000 }, maxThrottleMs: 1000 })
  quota.setLimits(new ClientLimits('q', [{ entity: { clientId: 'c' }, values: new Map([['q', 10]]) }]))
  return { clock, quota, time: () => new RequestTime(quota, clock, clock.monotonicMs()) }
}

it('a request is charged for its work, and not for what it waits for', () => {
  const { clock, time } = setUp()
  const request = time()
  clock.advance(600)
  request.pause()
  clock.advance(5000)
  request.resume()
  clock.advance(400)
  expect(request.charge(client)).toBe(0)
  const next = time()
  clock.advance(100)
  // 1100 ms are ten percent of 11 s, and 10.1 s are over.
  expect(next.charge(client)).toBe(900)
})

it('what comes after the answer counts, and throttles the next request only', () => {
  const { clock, time } = setUp()
  const request = time()
  clock.advance(500)
  expect(request.charge(client)).toBe(0)
  clock.advance(300)
  expect(request.charge(client)).toBe(0)
  request.chargeMore(client, 300)
  const next = time()
  clock.advance(1)
  expect(next.charge(client)).toBeGreaterThan(0)
})

it('an exempt request is neither charged nor throttled', () => {
  const { clock, time } = setUp()
  const exempt = time()
  exempt.exempt()
  clock.advance(9000)
  expect(exempt.charge(client)).toBe(0)
  exempt.chargeMore(client, 9000)
  const next = time()
  clock.advance(900)
  expect(next.charge(client)).toBe(0)
})

it('pausing and resuming twice is as good as once', () => {
  const { clock, time } = setUp()
  const request = time()
  clock.advance(500)
  request.pause()
  request.pause()
  clock.advance(500)
  request.resume()
  request.resume()
  clock.advance(400)
  expect(request.charge(client)).toBe(0)
})
