import type { Socket } from 'node:net'
import { BufferPool } from '../base/buffer-pool.ts'
import type { Clock, Timer } from '../base/clock.ts'
import { LimitedLog } from '../base/limited-log.ts'
import type { Logger } from '../base/logger.ts'
import { Slices } from '../base/slices.ts'
import type { ConnectionRates } from '../security/quotas/connection-rates.ts'
import { ByteBudget } from './byte-budget.ts'
import { Connection, type ConnectionEnvironment, type Serve } from './connection.ts'
import { type ConnectionLimits, ConnectionQuotas, canonicalAddress } from './connection-quotas.ts'
import {
  type BoundListener,
  type Listen,
  Listener,
  type ListenerEvents,
  type ListenerOptions,
} from './listener.ts'
import type { NetMetrics } from './metrics.ts'
import { PacedAccept } from './paced-accept.ts'
import { SCRATCH_BYTES } from './socket-input.ts'
import { Unpaced } from './unpaced.ts'

export interface SocketServerOptions extends ConnectionLimits {
  readonly listeners: readonly ListenerOptions[]
  /** `socket.listen.backlog.size`. */
  readonly backlog: number
  /** `socket.request.max.bytes`. */
  readonly maxRequestBytes: number
  /** Of a header without anything; 0 when left out. */
  readonly minRequestBytes?: number
  /** `connections.max.idle.ms`; negative for never. */
  readonly maxIdleMs: number
  /** `queued.max.request.bytes`; -1 for DEFAULT_REQUEST_BYTES, as an unbounded broker is none of ours. */
  readonly maxQueuedRequestBytes: number
  /** Bytes of requests of one connection that are received before their turn; beyond it the socket is not read. */
  readonly readAheadBytes: number
}

export interface SocketServerParts {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: NetMetrics
  /** Usually the dispatcher's. */
  readonly serve: Serve
  /** Where requests get their memory, and where it goes that answers were sent from; one of its own when left out. */
  readonly buffers?: BufferPool
  /** For connections whose both ends are on this machine; as the system needs it when left out. */
  readonly unpaced?: Unpaced
  /** How fast connections may come; any speed when left out. */
  readonly connectionRates?: ConnectionRates
  /** Where connections come from; sockets of the operating system when left out. */
  readonly listen?: Listen
}

/** Bytes of requests that all connections may hold unless `queued.max.request.bytes` says otherwise. */
export const DEFAULT_REQUEST_BYTES = 256 * 1024 * 1024
/** Of the bytes of requests, what is used as long as no connection waits for long. */
const USUAL_PART = 1 / 8
/** Bytes of answers that may wait for their readers, over all connections. */
export const ANSWER_BYTES = 256 * 1024 * 1024
/** Memory held without progress for so long, while others wait for it, costs the connection. */
export const MAX_STALL_MS = 10_000
const SWEEP_MS = 1000

/** All listeners of a broker with their connections and the bounds that they share, after Kafka's `SocketServer`. */
export class SocketServer {
  readonly #options: SocketServerOptions
  readonly #env: ConnectionEnvironment
  readonly #quotas: ConnectionQuotas
  readonly #unpaced: Unpaced
  readonly #connections = new Set<Connection>()
  readonly #paced: PacedAccept[] = []
  #listeners: BoundListener[] = []
  #sweep: Timer | undefined
  #connectionsMade = 0
  #closed: Promise<void> | undefined
  #allClosed: (() => void) | undefined

  private constructor(options: SocketServerOptions, parts: SocketServerParts) {
    this.#options = options
    this.#quotas = new ConnectionQuotas(options)
    this.#unpaced = parts.unpaced ?? new Unpaced()
    const requestBytes =
      options.maxQueuedRequestBytes > 0 ? options.maxQueuedRequestBytes : DEFAULT_REQUEST_BYTES
    this.#env = {
      ...parts,
      slices: new Slices(parts.clock),
      limitedLog: new LimitedLog(parts.logger, parts.clock),
      buffers: parts.buffers ?? new BufferPool(),
      requests: new ByteBudget(requestBytes, USUAL_PART * requestBytes),
      answers: new ByteBudget(ANSWER_BYTES),
      maxRequestBytes: options.maxRequestBytes,
      minRequestBytes: options.minRequestBytes ?? 0,
      readAheadBytes: options.readAheadBytes,
      scratch: Buffer.allocUnsafeSlow(SCRATCH_BYTES),
      onClosed: (connection) => this.#forget(connection),
    }
  }

  /** Binds every listener and accepts from then on; when one cannot be bound, none is, and BindError says which. */
  static async open(options: SocketServerOptions, parts: SocketServerParts): Promise<SocketServer> {
    const server = new SocketServer(options, parts)
    const { listen = Listener.open } = parts
    const onError: ListenerEvents['onError'] = (err, listener) =>
      server.#env.limitedLog.error('accept', 'connection could not be accepted', () => ({
        listener: listener.name,
        err,
      }))
    try {
      for (const listener of options.listeners) {
        const onConnection = server.#acceptFor(listener, parts)
        const bound = await listen(listener, options.backlog, { onConnection, onError })
        server.#listeners.push(bound)
        server.#unpaced.listens(bound)
      }
    } catch (error) {
      await server.close(0)
      throw error
    }
    return server
  }

  /** What is bound, in the order of the options. */
  get listeners(): readonly BoundListener[] {
    return this.#listeners
  }

  /** Bounds for the connections that come from now on. */
  set connectionLimits(limits: ConnectionLimits) {
    this.#quotas.limits = limits
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /** Bytes of requests in memory, whole or not, and of answers that wait for their readers. */
  get bytesInFlight(): { readonly requests: number; readonly answers: number } {
    return { requests: this.#env.requests.used, answers: this.#env.answers.used }
  }

  /**
   * Accepts no more, tells long polls to end, answers every request that was received, and ends the connections; cuts
   * those that are left after `graceMs`. Nothing is left behind.
   */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  async #close(graceMs: number): Promise<void> {
    const listenersClosed = Promise.all(this.#listeners.map((listener) => listener.close()))
    for (const paced of this.#paced) paced.close()
    if (this.#connections.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#allClosed = resolve
      const timer = this.#env.clock.setTimer(graceMs, () => this.#cut())
      for (const connection of [...this.#connections]) connection.finish()
      await promise
      timer.cancel()
    }
    await listenersClosed
    this.#sweep?.cancel()
    this.#sweep = undefined
  }

  #cut(): void {
    const { logger, metrics } = this.#env
    const left = [...this.#connections]
    const [first] = left
    if (first === undefined) return
    logger.warn('closing connections that did not end in time', {
      connections: left.length,
      client: first.clientHost,
      bound: 'close.timeout',
    })
    for (const connection of left) {
      metrics.boundMet('close.timeout', connection.listenerName)
      connection.destroy()
    }
  }

  #acceptFor(listener: ListenerOptions, parts: SocketServerParts): (socket: Socket) => void {
    const accept = (socket: Socket) => this.#accept(socket, listener)
    if (parts.connectionRates === undefined) return accept
    const paced = new PacedAccept(listener.name, parts.connectionRates, this.#env, accept)
    this.#paced.push(paced)
    return (socket) => paced.offer(socket)
  }

  #accept(socket: Socket, listener: ListenerOptions): void {
    const { remoteAddress, remotePort, localAddress, localPort } = socket
    // Without an address the peer has gone already.
    if (this.#closed !== undefined || remoteAddress === undefined || localAddress === undefined) {
      socket.destroy()
      return
    }
    const { metrics, limitedLog } = this.#env
    const clientHost = canonicalAddress(remoteAddress)
    const refusedBy = this.#quotas.acquire(listener.name, clientHost)
    if (refusedBy !== undefined) {
      metrics.boundMet(refusedBy, listener.name)
      limitedLog.warn(refusedBy, 'connection refused', () => ({
        listener: listener.name,
        client: clientHost,
        bound: refusedBy,
      }))
      socket.destroy()
      return
    }
    const localHost = canonicalAddress(localAddress)
    this.#unpaced.accepted(socket, clientHost === localHost)
    const number = this.#connectionsMade++
    const addresses = {
      id: `${localHost}:${localPort}-${clientHost}:${remotePort}-${number}`,
      listenerName: listener.name,
      clientHost,
      clientPort: remotePort ?? 0,
      localHost,
      localPort: localPort ?? 0,
    }
    this.#connections.add(new Connection(socket, addresses, this.#env))
    metrics.connectionOpened(listener.name)
    if (this.#sweep === undefined) this.#sweepLater()
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection)
    this.#quotas.release(connection.listenerName, connection.clientHost)
    this.#env.metrics.connectionClosed(connection.listenerName)
    if (this.#connections.size > 0) return
    this.#sweep?.cancel()
    this.#sweep = undefined
    this.#allClosed?.()
  }

  /** One timer for all, and none while nobody is connected. */
  #sweepLater(): void {
    const { clock, requests, answers } = this.#env
    this.#sweep = clock.setTimer(SWEEP_MS, () => {
      this.#sweepLater()
      const nowMs = clock.monotonicMs()
      requests.nudge()
      answers.nudge()
      for (const connection of this.#connections)
        connection.sweep(nowMs, this.#options.maxIdleMs, MAX_STALL_MS)
    })
  }
}
