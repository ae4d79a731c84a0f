import { throttleMs } from './rate-quota.ts'
import { type RateWindows, WindowedRate } from './windowed-rate.ts'

/** Addresses that are remembered; beyond them the one unused for longest begins anew. */
const MAX_ADDRESSES = 10_000

/** Connections a second; infinite for no limit. */
export interface ConnectionRateLimits {
  /** `max.connection.creation.rate`, over all listeners. */
  readonly broker: number
  /** The same under a listener's prefix, by the listener's name. */
  readonly listeners: ReadonlyMap<string, number>
  /** `connection_creation_rate` by canonical address. */
  readonly addresses: ReadonlyMap<string, number>
  readonly anyAddress: number
}

export const noConnectionRateLimits: ConnectionRateLimits = {
  broker: Number.POSITIVE_INFINITY,
  listeners: new Map(),
  addresses: new Map(),
  anyAddress: Number.POSITIVE_INFINITY,
}

/** How fast connections may come: the rates of Kafka's `ConnectionQuotas` (KIP-612). */
export class ConnectionRates {
  readonly #windows: RateWindows
  readonly #broker = new WindowedRate()
  readonly #listeners = new Map<string, WindowedRate>()
  /** Least recently used first. */
  readonly #addresses = new Map<string, WindowedRate>()
  limits: ConnectionRateLimits = noConnectionRateLimits

  constructor(windows: RateWindows) {
    this.#windows = windows
  }

  /** Counts a connection of the listener; gives the milliseconds for which the listener is to accept no more. */
  accept(listenerName: string, nowMs: number): number {
    const { broker, listeners } = this.limits
    const ofListener = listeners.get(listenerName) ?? Number.POSITIVE_INFINITY
    return Math.max(
      broker === Number.POSITIVE_INFINITY ? 0 : this.#record(this.#broker, broker, nowMs),
      ofListener === Number.POSITIVE_INFINITY
        ? 0
        : this.#record(entryOf(this.#listeners, listenerName), ofListener, nowMs),
    )
  }

  /** Counts a connection from the address if it is within its rate; else gives the milliseconds to keep it waiting before it is closed. */
  admit(address: string, nowMs: number): number {
    const limit = this.limits.addresses.get(address) ?? this.limits.anyAddress
    if (limit === Number.POSITIVE_INFINITY) return 0
    const usage = this.#addresses.get(address) ?? new WindowedRate()
    this.#addresses.delete(address)
    if (this.#addresses.size >= MAX_ADDRESSES) this.#addresses.delete(this.#addresses.keys().next().value!)
    this.#addresses.set(address, usage)
    const waitMs = this.#record(usage, limit, nowMs)
    if (waitMs > 0) usage.record(-1, nowMs, this.#windows)
    return waitMs
  }

  #record(usage: WindowedRate, limit: number, nowMs: number): number {
    usage.record(1, nowMs, this.#windows)
    return throttleMs(usage, limit, nowMs, this.#windows, this.#windows.windowMs)
  }
}

function entryOf(rates: Map<string, WindowedRate>, name: string): WindowedRate {
  let rate = rates.get(name)
  if (rate === undefined) {
    rate = new WindowedRate()
    rates.set(name, rate)
  }
  return rate
}
