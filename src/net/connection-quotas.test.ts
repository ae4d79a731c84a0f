import { describe, expect, it } from 'vitest'
import { ConnectionQuotas, canonicalAddress } from './connection-quotas.ts'

describe('ConnectionQuotas', () => {
  it('refuses beyond the broker, the listener and the address, and counts only what it let in', () => {
    const quotas = new ConnectionQuotas({
      maxConnections: 4,
      maxConnectionsPerIp: 2,
      maxConnectionsPerIpOverrides: new Map([
        ['10.0.0.9', 0],
        ['10.0.0.3', 3],
      ]),
      maxConnectionsPerListener: new Map([['A', 3]]),
    })
    expect(quotas.acquire('A', '10.0.0.9')).toBe('connections.per.ip')
    expect(quotas.acquire('A', '10.0.0.1')).toBeUndefined()
    expect(quotas.acquire('A', '10.0.0.1')).toBeUndefined()
    expect(quotas.acquire('A', '10.0.0.1')).toBe('connections.per.ip')
    expect(quotas.acquire('A', '10.0.0.3')).toBeUndefined()
    expect(quotas.acquire('A', '10.0.0.3')).toBe('connections')
    expect(quotas.acquire('B', '10.0.0.3')).toBeUndefined()
    expect(quotas.acquire('B', '10.0.0.3')).toBe('connections')
    quotas.release('A', '10.0.0.1')
    expect(quotas.total).toBe(3)
    expect(quotas.acquire('A', '10.0.0.3')).toBeUndefined()
  })

  it('takes new limits for the connections that come from then on', () => {
    const limits = { maxConnections: 1, maxConnectionsPerIp: 9, maxConnectionsPerIpOverrides: new Map() }
    const quotas = new ConnectionQuotas(limits)
    expect(quotas.acquire('A', '10.0.0.1')).toBeUndefined()
    expect(quotas.acquire('A', '10.0.0.1')).toBe('connections')
    quotas.limits = { ...limits, maxConnections: 2 }
    expect(quotas.acquire('A', '10.0.0.1')).toBeUndefined()
  })

  it('takes an IPv4 peer on a socket of both families for the same address', () => {
    expect(canonicalAddress('::ffff:10.0.0.1')).toBe('10.0.0.1')
    expect(canonicalAddress('::1')).toBe('::1')
    expect(canonicalAddress('10.0.0.1')).toBe('10.0.0.1')
  })
})
