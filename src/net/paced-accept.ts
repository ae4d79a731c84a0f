import type { Socket } from 'node:net'
import type { Clock, Timer } from '../base/clock.ts'
import type { LimitedLog } from '../base/limited-log.ts'
import type { ConnectionRates } from '../security/quotas/connection-rates.ts'
import { canonicalAddress } from './connection-quotas.ts'
import type { NetMetrics, ThrottlingRate } from './metrics.ts'

/** Sockets that one listener holds back, waiting for their turn or for their end; beyond them new ones are closed at once. */
const MAX_HELD = 1024

/**
 * Lets the connections of one listener in at the rates that are allowed, after Kafka's `Acceptor`: over the rate of
 * the broker or the listener all wait in order, over that of an address its own are held for a while and closed.
 */
export class PacedAccept {
  readonly #listenerName: string
  readonly #rates: ConnectionRates
  readonly #clock: Clock
  readonly #metrics: NetMetrics
  readonly #limitedLog: LimitedLog
  readonly #accept: (socket: Socket) => void
  readonly #waiting: Socket[] = []
  readonly #closing = new Map<Socket, Timer>()
  #pause: Timer | undefined
  /** The first of those that wait is counted, and its time is what the pause is for. */
  #firstIsDue = false

  constructor(
    listenerName: string,
    rates: ConnectionRates,
    parts: { readonly clock: Clock; readonly metrics: NetMetrics; readonly limitedLog: LimitedLog },
    accept: (socket: Socket) => void,
  ) {
    this.#listenerName = listenerName
    this.#rates = rates
    this.#clock = parts.clock
    this.#metrics = parts.metrics
    this.#limitedLog = parts.limitedLog
    this.#accept = accept
  }

  /** A connection that the system has accepted; nothing of it is read yet. */
  offer(socket: Socket): void {
    if (this.#waiting.length + this.#closing.size >= MAX_HELD) {
      this.#metrics.boundMet('connections.held', this.#listenerName)
      this.#limitedLog.warn('connections.held', 'connection refused', () => ({
        listener: this.#listenerName,
        client: canonicalAddress(socket.remoteAddress ?? ''),
        bound: 'connections.held',
      }))
      socket.destroy()
      return
    }
    this.#waiting.push(socket)
    if (this.#pause === undefined) this.#next()
  }

  /** Lets go of what is held. */
  close(): void {
    this.#pause?.cancel()
    for (const socket of this.#waiting.splice(0)) socket.destroy()
    for (const [socket, timer] of this.#closing) {
      timer.cancel()
      socket.destroy()
    }
    this.#closing.clear()
  }

  #next(): void {
    this.#pause = undefined
    while (this.#waiting.length > 0) {
      if (!this.#firstIsDue) {
        const waitMs = this.#rates.accept(this.#listenerName, this.#clock.monotonicMs())
        this.#firstIsDue = true
        if (waitMs > 0) {
          this.#throttled('connections', this.#waiting[0]!, waitMs)
          this.#pause = this.#clock.setTimer(waitMs, () => this.#next())
          return
        }
      }
      this.#firstIsDue = false
      this.#admit(this.#waiting.shift()!)
    }
  }

  #throttled(rate: ThrottlingRate, socket: Socket, waitMs: number): void {
    const bound = `rate.${rate}` as const
    this.#metrics.connectionThrottled(rate, waitMs)
    this.#metrics.boundMet(bound, this.#listenerName)
    this.#limitedLog.info(bound, 'connection held up', () => ({
      listener: this.#listenerName,
      client: canonicalAddress(socket.remoteAddress ?? ''),
      bound,
    }))
  }

  #admit(socket: Socket): void {
    // Without an address the peer has gone already.
    const { remoteAddress } = socket
    const waitMs =
      remoteAddress === undefined
        ? 0
        : this.#rates.admit(canonicalAddress(remoteAddress), this.#clock.monotonicMs())
    if (waitMs === 0) {
      this.#accept(socket)
      return
    }
    this.#throttled('connections.per.ip', socket, waitMs)
    socket.once('error', () => {})
    const timer = this.#clock.setTimer(waitMs, () => {
      this.#closing.delete(socket)
      socket.destroy()
    })
    this.#closing.set(socket, timer)
  }
}
