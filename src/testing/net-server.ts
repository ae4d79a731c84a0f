import { connect, type Socket } from 'node:net'
import { type Clock, systemClock } from '../base/clock.ts'
import { type LogFields, type Logger, silentLogger } from '../base/logger.ts'
import type { NetBound } from '../net/bounds.ts'
import type { Connection, Outcome, Serve } from '../net/connection.ts'
import type { ListenerOptions } from '../net/listener.ts'
import { type NetMetrics, noNetMetrics } from '../net/metrics.ts'
import { SocketServer, type SocketServerOptions } from '../net/socket-server.ts'
import type { Unpaced } from '../net/unpaced.ts'

/** A listener on a free port of the loopback. */
export function listenerOptions(options: Partial<ListenerOptions> = {}): ListenerOptions {
  return {
    name: 'PLAINTEXT',
    host: '127.0.0.1',
    port: 0,
    securityProtocol: 'PLAINTEXT',
    ...options,
  }
}

/** Kafka's defaults. */
export function socketServerOptions(options: Partial<SocketServerOptions> = {}): SocketServerOptions {
  return {
    listeners: [listenerOptions()],
    backlog: 50,
    maxRequestBytes: 100 * 1024 * 1024,
    maxIdleMs: 600_000,
    maxQueuedRequestBytes: -1,
    readAheadBytes: 256 * 1024,
    maxConnections: 2 ** 31 - 1,
    maxConnectionsPerIp: 2 ** 31 - 1,
    maxConnectionsPerIpOverrides: new Map(),
    ...options,
  }
}

/** A logger that keeps what it was told. */
export function recordingLogger(): { logger: Logger; lines: { message: string; fields: LogFields }[] } {
  const lines: { message: string; fields: LogFields }[] = []
  const note = (message: string, fields: LogFields = {}) => {
    lines.push({ message, fields })
  }
  const logger: Logger = { ...silentLogger, warn: note, error: note, child: () => logger }
  return { logger, lines }
}

export interface TestServer {
  readonly server: SocketServer
  readonly port: number
  /** How often each bound was met. */
  readonly bounds: Map<NetBound, number>
  readonly logged: { message: string; fields: LogFields }[]
  close(): Promise<void>
}

/** A server on the loopback that answers by `serve`. */
export async function startServer(
  serve: Serve,
  options: Partial<SocketServerOptions> = {},
  parts: { readonly clock?: Clock; readonly metrics?: Partial<NetMetrics>; readonly unpaced?: Unpaced } = {},
): Promise<TestServer> {
  const bounds = new Map<NetBound, number>()
  const { logger, lines } = recordingLogger()
  const metrics: NetMetrics = {
    ...noNetMetrics,
    boundMet: (bound) => bounds.set(bound, (bounds.get(bound) ?? 0) + 1),
    ...parts.metrics,
  }
  const server = await SocketServer.open(socketServerOptions(options), {
    clock: parts.clock ?? systemClock,
    logger,
    metrics,
    serve,
    ...(parts.unpaced && { unpaced: parts.unpaced }),
  })
  const port = server.listeners[0]!.port
  return { server, port, bounds, logged: lines, close: () => server.close(1000) }
}

/** An answer that is the given bytes behind a length prefix. */
export function answer(...slices: Buffer[]): Outcome {
  let bytes = 0
  for (const slice of slices) bytes += slice.length
  const prefix = Buffer.alloc(4)
  prefix.writeInt32BE(bytes)
  return { buffers: [prefix, ...slices], muteMs: 0, closeReason: undefined }
}

/** Answers each request with its own bytes. */
export const echo: Serve = (request: Buffer, _connection: Connection) => answer(request)

export function framed(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content)
  const prefix = Buffer.alloc(4)
  prefix.writeInt32BE(bytes.length)
  return Buffer.concat([prefix, bytes])
}

/** A client that knows frames only. */
export class RawClient {
  readonly socket: Socket
  /** Set while frames are read as they come. */
  readonly frames: Buffer[] = []
  ended = false
  #chunks: Buffer[] = []
  #bytes = 0
  /** Bytes to have before the next frame, or its length, can be told. */
  #wanted = 4
  #changed = Promise.withResolvers<void>()
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.socket = socket
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => {
      this.ended = true
      this.#notify()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.ended = true
      resolve()
      this.#notify()
    })
  }

  static async connect(port: number, options: { readonly reading?: boolean } = {}): Promise<RawClient> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    socket.once('error', reject)
    socket.once('connect', resolve)
    await promise
    socket.removeListener('error', reject)
    const client = new RawClient(socket)
    if (options.reading === false) socket.pause()
    return client
  }

  send(...bytes: Buffer[]): void {
    for (const part of bytes) this.socket.write(part)
  }

  /** Waits until so many frames have come; fails when the connection ends before. */
  async received(count: number): Promise<Buffer[]> {
    while (this.frames.length < count) {
      if (this.ended) throw new Error(`the connection ended after ${this.frames.length} of ${count} frames`)
      await this.#changed.promise
    }
    return this.frames
  }

  /** Waits until the other side has ended the connection. */
  async end(): Promise<void> {
    while (!this.ended) await this.#changed.promise
  }

  async close(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }

  #read(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    while (this.#bytes >= this.#wanted) {
      const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
      let at = 0
      for (;;) {
        const left = all.length - at
        this.#wanted = left < 4 ? 4 : 4 + all.readInt32BE(at)
        if (left < this.#wanted) break
        this.frames.push(all.subarray(at + 4, at + this.#wanted))
        at += this.#wanted
      }
      this.#chunks = [all.subarray(at)]
      this.#bytes = all.length - at
    }
    this.#notify()
  }

  #notify(): void {
    const changed = this.#changed
    this.#changed = Promise.withResolvers<void>()
    changed.resolve()
  }
}

/** Waits, turn by turn of the event loop, until `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
