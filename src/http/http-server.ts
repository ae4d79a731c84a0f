import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from '../base/logger.ts'
import type { ReadableMetrics } from './prometheus.ts'

export interface HttpServerOptions {
  /** An empty host means every interface; port 0 lets the operating system choose. */
  readonly host: string
  readonly port: number
  readonly metrics: ReadableMetrics
  /** Why the broker cannot serve clients now; undefined when it can. */
  readonly notReady: () => string | undefined
  readonly logger: Logger
}

/** The address cannot be listened on; the message is one line for the operator. */
export class HttpBindError extends Error {
  override name = 'HttpBindError'
}

/** A scraper and some probes: more than this many at a time is no honest use. */
const MAX_CONNECTIONS = 64
const TIMEOUT_MS = 10_000

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

/**
 * Serves `/metrics`, `/health/live` and `/health/ready`. Bounded in connections, in the size of a request (its body is
 * never read) and in the time that one may take.
 */
export class HttpServer {
  readonly #server: Server
  readonly #options: HttpServerOptions
  #port = 0

  private constructor(options: HttpServerOptions) {
    this.#options = options
    this.#server = createServer(
      {
        maxHeaderSize: 8192,
        headersTimeout: TIMEOUT_MS,
        requestTimeout: TIMEOUT_MS,
        keepAliveTimeout: TIMEOUT_MS,
        connectionsCheckingInterval: TIMEOUT_MS,
      },
      (request, response) => {
        this.#handle(request, response).catch((err: unknown) => {
          options.logger.error('http request failed', { path: request.url, err })
          response.destroy()
        })
      },
    )
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  /** Throws HttpBindError. */
  static async start(options: HttpServerOptions): Promise<HttpServer> {
    const server = new HttpServer(options)
    await server.#listen()
    return server
  }

  /** The port that is listened on. */
  get port(): number {
    return this.#port
  }

  /** Cuts what is open; done when the port is free. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  #listen(): Promise<void> {
    const { host, port, logger } = this.#options
    return new Promise((resolve, reject) => {
      const refuse = (error: Error) =>
        reject(
          new HttpBindError(`cannot serve HTTP on ${host || '*'}:${port}: ${error.message}`, {
            cause: error,
          }),
        )
      this.#server.once('error', refuse)
      this.#server.listen({ port, ...(host !== '' && { host }) }, () => {
        this.#server.off('error', refuse)
        this.#server.on('error', (err) => logger.error('http server failed', { err }))
        // A server that listens on a port has an address of this kind.
        this.#port = (this.#server.address() as AddressInfo).port
        resolve()
      })
    })
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, type, body } = await this.#answer(request)
    const bytes = Buffer.from(body)
    // What a client sends after the headers is not read, so its connection cannot serve another request.
    const bodyFollows =
      request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined
    response.writeHead(status, {
      'content-type': type,
      'content-length': bytes.length,
      'cache-control': 'no-store',
      ...(status === 405 && { allow: 'GET, HEAD' }),
      ...(bodyFollows && { connection: 'close' }),
    })
    response.end(request.method === 'HEAD' ? undefined : bytes)
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return text(405, 'only GET and HEAD are served')
    const path = (request.url ?? '').split('?', 1)[0]
    switch (path) {
      case '/metrics': {
        const { metrics } = this.#options
        return { status: 200, type: metrics.contentType, body: await metrics.read() }
      }
      case '/health/live':
        return text(200, 'live')
      case '/health/ready': {
        const reason = this.#options.notReady()
        return reason === undefined ? text(200, 'ready') : text(503, reason)
      }
      default:
        return text(404, 'served are /metrics, /health/live and /health/ready')
    }
  }
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${body}\n` }
}
