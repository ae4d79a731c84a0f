import { createServer, type Server, type Socket } from 'node:net'
import { descriptorOf } from './descriptor.ts'

/** A place to accept connections, as `listeners` and the keys under `listener.name.*` say. */
export interface ListenerOptions {
  readonly name: string
  /** Empty for every address of the machine. */
  readonly host: string
  /** 0 for one that the system chooses. */
  readonly port: number
  readonly securityProtocol: 'PLAINTEXT'
}

export interface ListenerEvents {
  onConnection(socket: Socket, listener: ListenerOptions): void
  /** A connection could not be accepted (out of file descriptors, say); the listener goes on. */
  onError(error: Error, listener: ListenerOptions): void
}

/** One that is bound. */
export interface BoundListener {
  readonly options: ListenerOptions
  /** The port that is bound. */
  readonly port: number
  /** Of the system's socket, where there is one. */
  readonly descriptor?: number | undefined
  /** Accepts no more. */
  close(): Promise<void>
}

/** Binds, and accepts from then on. `backlog` is `socket.listen.backlog.size`. Rejects with BindError. */
export type Listen = (
  options: ListenerOptions,
  backlog: number,
  events: ListenerEvents,
) => Promise<BoundListener>

/** A listener that could not be bound, in one line for the operator. */
export class BindError extends Error {
  override name = 'BindError'
  /** The system's code, such as EADDRINUSE. */
  readonly code: string
  constructor(code: string, message: string, options: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const BIND_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'not permitted to use this port',
  EADDRNOTAVAIL: 'the address is not one of this machine',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up now',
}

/** Accepts connections on one address and hands them on; knows nothing of what they say. */
export class Listener implements BoundListener {
  readonly options: ListenerOptions
  readonly port: number
  readonly #server: Server

  private constructor(options: ListenerOptions, server: Server, port: number) {
    this.options = options
    this.#server = server
    this.port = port
  }

  /** As `Listen`. */
  static async open(options: ListenerOptions, backlog: number, events: ListenerEvents): Promise<Listener> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true })
    server.on('connection', (socket) => events.onConnection(socket, options))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    const address = options.host === '' ? {} : { host: options.host }
    server.listen({ ...address, port: options.port, backlog }, resolve)
    try {
      await promise
    } catch (cause) {
      throw bindError(options, cause)
    }
    server.removeListener('error', reject)
    server.on('error', (error) => events.onError(error, options))
    const bound = server.address()
    return new Listener(
      options,
      server,
      typeof bound === 'object' && bound !== null ? bound.port : options.port,
    )
  }

  get descriptor(): number | undefined {
    return descriptorOf(this.#server)
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    await promise
  }
}

function bindError(options: ListenerOptions, cause: unknown): BindError {
  const code =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown'
  const why = BIND_FAILURES[code] ?? (cause instanceof Error ? cause.message : String(cause))
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  const message = `cannot listen on ${options.name}://${host}:${options.port}: ${why} (${code})`
  return new BindError(code, message, { cause })
}
