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
    })
    expect(quotas.acquire('A', 3, '10.0.0.9')).toBe('connections.per.ip')
    expect(quotas.acquire('A', 3, '10.0.0.1')).toBeUndefined()
    expect(quotas.acquire('A', 3, '10.0.0.1')).toBeUndefined()
    expect(quotas.acquire('A', 3, '10.0.0.1')).toBe('connections.per.ip')
    expect(quotas.acquire('A', 3, '10.0.0.3')).toBeUndefined()
    expect(quotas.acquire('A', 3, '10.0.0.3')).toBe('connections')
    expect(quotas.acquire('B', 3, '10.0.0.3')).toBeUndefined()
    expect(quotas.acquire('B', 3, '10.0.0.3')).toBe('connections')
    quotas.release('A', '10.0.0.1')
    expect(quotas.total).toBe(3)
    expect(quotas.acquire('A', 3, '10.0.0.3')).toBeUndefined()
  })

  it('takes an IPv4 peer on a socket of both families for the same address', () => {
    expect(canonicalAddress('::ffff:10.0.0.1')).toBe('10.0.0.1')
    expect(canonicalAddress('::1')).toBe('::1')
    expect(canonicalAddress('10.0.0.1')).toBe('10.0.0.1')
  })
})
