import type { NetBound } from './bounds.ts'

export interface ConnectionLimits {
  /** `max.connections`: over all listeners together. */
  readonly maxConnections: number
  /** `max.connections.per.ip`. */
  readonly maxConnectionsPerIp: number
  /** `max.connections.per.ip.overrides`, by address in its canonical text form (not by name). */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
  /** `max.connections` under a listener's prefix, by the listener's name. */
  readonly maxConnectionsPerListener?: ReadonlyMap<string, number>
}

/** Counts connections against the limits, after Kafka's `ConnectionQuotas`. Over a limit a connection is closed at once; none waits. */
export class ConnectionQuotas {
  /** May change while connections are open; none of those is closed for it. */
  limits: ConnectionLimits
  readonly #perListener = new Map<string, number>()
  readonly #perIp = new Map<string, number>()
  #total = 0

  constructor(limits: ConnectionLimits) {
    this.limits = limits
  }

  get total(): number {
    return this.#total
  }

  /** Undefined when the connection is within the limits and now counted, else the limit that it would exceed. */
  acquire(listenerName: string, ip: string): NetBound | undefined {
    const ofListener = this.#perListener.get(listenerName) ?? 0
    const ofIp = this.#perIp.get(ip) ?? 0
    const listenerMax = this.limits.maxConnectionsPerListener?.get(listenerName) ?? Number.POSITIVE_INFINITY
    if (this.#total >= this.limits.maxConnections || ofListener >= listenerMax) return 'connections'
    const ipMax = this.limits.maxConnectionsPerIpOverrides.get(ip) ?? this.limits.maxConnectionsPerIp
    if (ofIp >= ipMax) return 'connections.per.ip'
    this.#total++
    this.#perListener.set(listenerName, ofListener + 1)
    this.#perIp.set(ip, ofIp + 1)
    return undefined
  }

  release(listenerName: string, ip: string): void {
    this.#total--
    decrement(this.#perListener, listenerName)
    decrement(this.#perIp, ip)
  }
}

/** `::ffff:10.0.0.1`, how a socket of both families shows an IPv4 peer, as `10.0.0.1`. */
export function canonicalAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address
}

function decrement(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 0) - 1
  if (left > 0) counts.set(key, left)
  else counts.delete(key)
}
