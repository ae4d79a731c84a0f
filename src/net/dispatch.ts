import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { RateQuota } from '../security/quotas/rate-quota.ts'
import { type Api, apiByKey } from '../wire/apis.ts'
import { decode } from '../wire/codec.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { encodeResponse, type RequestHead, readRequestHead } from '../wire/frame.ts'
import { Reader } from '../wire/reader.ts'
import { WireError } from '../wire/wire-error.ts'
import type { Connection, Outcome, Serve } from './connection.ts'
import { type ApiHandler, RequestContext } from './handler-table.ts'
import type { NetMetrics } from './metrics.ts'
import { RequestTime } from './request-time.ts'

export interface DispatcherParts {
  readonly handlers: readonly ApiHandler[]
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: NetMetrics
  /** Most elements of arrays in one request (`Reader.entriesLeft`). */
  readonly maxRequestEntries?: number
  /** On the event loop's time, in percent. */
  readonly requestQuota?: RateQuota
  /** Resolves when others have had their turn. */
  readonly nextTurn: () => Promise<void>
}

/** A handler with what is looked up for each request. */
interface Route {
  readonly api: Api
  readonly handler: ApiHandler
  /** Whether answers carry a throttle time, which is this layer's to fill in. */
  readonly tellsThrottle: boolean
  /** Whether what it costs counts against a quota. */
  readonly countsTime: boolean
}

const API_VERSIONS_KEY = 18
/** From so many elements of arrays on, reading a request, handling it and writing its answer are turns of their own. */
const BROAD_ENTRIES = 5000
/** Of brokers among themselves, which Kafka exempts from quotas (`ApiKeys.clusterAction`): ControlledShutdown, WriteTxnMarkers and those of the controllers. */
const CLUSTER_ACTIONS: ReadonlySet<number> = new Set([7, 27, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 82])

/**
 * Gives each request to its handler and makes bytes of the answer.
 *
 * What Kafka closes the connection for is refused by closing it, with the reason in the log: a header or body that
 * does not decode, an unknown API, a version that is not served. Bytes after the body are ignored, as in Kafka. An
 * unknown version of ApiVersions is answered in version 0 with UNSUPPORTED_VERSION and the range of ApiVersions alone
 * (KIP-511), its body unread.
 */
export function dispatcher(parts: DispatcherParts): Serve {
  const dispatch = new Dispatch(parts)
  return (request, connection) => dispatch.serve(request, connection)
}

class Dispatch {
  readonly #routes: (Route | undefined)[] = []
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #metrics: NetMetrics
  readonly #maxRequestEntries: number | undefined
  readonly #requestQuota: RateQuota | undefined
  readonly #nextTurn: () => Promise<void>

  constructor(parts: DispatcherParts) {
    this.#clock = parts.clock
    this.#logger = parts.logger
    this.#metrics = parts.metrics
    this.#maxRequestEntries = parts.maxRequestEntries
    this.#requestQuota = parts.requestQuota
    this.#nextTurn = parts.nextTurn
    for (const handler of parts.handlers) {
      const route = routeOf(handler)
      this.#routes[route.api.key] = route
    }
  }

  serve(frame: Buffer, connection: Connection): Outcome | Promise<Outcome> {
    const reader = new Reader(frame)
    if (this.#maxRequestEntries !== undefined) reader.entriesLeft = this.#maxRequestEntries
    const mostEntries = reader.entriesLeft
    let head: RequestHead
    try {
      head = readRequestHead(reader)
    } catch (error) {
      return this.#refused(connection, -1, 'request header does not decode', error)
    }
    const { api, version } = head
    const route = this.#routes[api.key]
    if (route === undefined) return this.#refused(connection, api.key, `${api.name} is not served`)
    if (version < route.handler.minVersion || version > route.handler.maxVersion) {
      return api.key === API_VERSIONS_KEY
        ? this.#unknownApiVersions(route, head)
        : this.#refused(connection, api.key, `${api.name} v${version} is not served`)
    }
    const receivedMs = this.#clock.monotonicMs()
    let request: unknown
    try {
      request = decode(api.request, version, reader)
    } catch (error) {
      const refused = this.#refused(connection, api.key, `${api.name} v${version} does not decode`, error)
      if (reader.entriesLeft >= 0) return refused
      this.#metrics.boundMet('request.entries', connection.listenerName)
      return { ...refused, closeBound: 'request.entries' }
    }
    const context = new RequestContext(connection, {
      apiKey: api.key,
      apiVersion: version,
      correlationId: head.correlationId,
      clientId: head.clientId,
      requestBytes: frame.length,
      receivedMs,
      time:
        this.#requestQuota?.enabled && route.countsTime
          ? new RequestTime(this.#requestQuota, this.#clock, receivedMs)
          : undefined,
    })
    return mostEntries - reader.entriesLeft < BROAD_ENTRIES
      ? this.#handle(route, context, request)
      : this.#handleInTurns(route, context, request)
  }

  #handle(route: Route, context: RequestContext, request: unknown): Outcome | Promise<Outcome> {
    let response: unknown
    try {
      response = route.handler.handle(context, request)
    } catch (error) {
      return this.#failed(route, context, request, error)
    }
    if (!(response instanceof Promise)) return this.#answered(route, context, request, response)
    pauseBehind(context)
    return response.then(
      (value: unknown) => {
        context.time?.resume()
        return this.#answered(route, context, request, value)
      },
      (error: unknown) => {
        context.time?.resume()
        return this.#failed(route, context, request, error)
      },
    )
  }

  /** Others have their turn before and behind the handler, whose own long work is in slices. */
  async #handleInTurns(route: Route, context: RequestContext, request: unknown): Promise<Outcome> {
    await this.#pause(context)
    let response: unknown
    try {
      response = route.handler.handle(context, request)
      if (response instanceof Promise) {
        pauseBehind(context)
        try {
          response = await response
        } finally {
          context.time?.resume()
        }
      }
    } catch (error) {
      return this.#failed(route, context, request, error)
    }
    await this.#pause(context)
    return this.#answered(route, context, request, response)
  }

  async #pause({ time }: RequestContext): Promise<void> {
    time?.pause()
    await this.#nextTurn()
    time?.resume()
  }

  #answered(route: Route, context: RequestContext, request: unknown, response: unknown): Outcome {
    try {
      return this.#outcome(route, context, response)
    } catch (error) {
      return this.#failed(route, context, request, error)
    }
  }

  /** The answer to a request whose handler threw, or made an answer that cannot be encoded. */
  #failed(route: Route, context: RequestContext, request: unknown, error: unknown): Outcome {
    const code = error instanceof KafkaError ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR
    if (code === ErrorCode.UNKNOWN_SERVER_ERROR)
      this.#logger.error('request failed', { ...fieldsOf(route, context), err: error })
    try {
      return this.#outcome(route, context, route.handler.refuse(request, code))
    } catch (err) {
      this.#logger.error('request could not be refused', { ...fieldsOf(route, context), err })
      context.closeConnection(`${route.api.name} v${context.apiVersion} could not be answered`)
      return { buffers: [], muteMs: 0, closeReason: context.closeReason }
    }
  }

  /** Throws when the response does not encode. */
  #outcome({ api, handler, tellsThrottle }: Route, context: RequestContext, response: unknown): Outcome {
    const { apiVersion, correlationId, requestBytes, time, closeReason } = context
    // Nobody is told of a throttle time where there is no answer.
    if (response !== null) context.throttleForTime()
    const { muteMs, mutedFor } = context
    if (mutedFor !== undefined) {
      this.#metrics.requestThrottled(mutedFor, muteMs)
      context.boundMet(`quota.${mutedFor}`)
    }
    // Every answer of a handler is an object of its own.
    if (response !== null && tellsThrottle)
      (response as { throttleTimeMs?: number }).throttleTimeMs ??= muteMs
    const errorCode = (response as { errorCode?: number } | null)?.errorCode
    if (errorCode !== undefined) context.refusedWith(errorCode)
    const buffers = response === null ? [] : encodeResponse(api, apiVersion, correlationId, response)
    let answerBytes = 0
    for (const buffer of buffers) answerBytes += buffer.length
    const durationMs = this.#clock.monotonicMs() - context.receivedMs
    this.#metrics.requestHandled({ apiKey: api.key, apiVersion, requestBytes, answerBytes, durationMs })
    const requestIsFree = handler.keepsNothing === true
    if (time === undefined || response === null) return { buffers, muteMs, closeReason, requestIsFree }
    time.charge(context.quotaClient)
    const onWritten = (ms: number) => time.chargeMore(context.quotaClient, ms)
    return { buffers, muteMs, closeReason, requestIsFree, onWritten }
  }

  #unknownApiVersions(route: Route, head: RequestHead): Outcome {
    const { minVersion, maxVersion } = route.handler
    const response = {
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: route.api.key, minVersion, maxVersion }],
    }
    return {
      buffers: encodeResponse(route.api, 0, head.correlationId, response),
      muteMs: 0,
      closeReason: undefined,
    }
  }

  #refused(connection: Connection, apiKey: number, what: string, error?: unknown): Outcome {
    this.#metrics.requestRefused(connection.listenerName, apiKey)
    if (error !== undefined && !(error instanceof WireError))
      this.#logger.error('request could not be read', { connection: connection.id, apiKey, err: error })
    const closeReason = error instanceof WireError ? `${what}: ${error.message}` : what
    return { buffers: [], muteMs: 0, closeReason }
  }
}

/** What a handler goes on with at once counts, although it awaited something: it was there already. */
function pauseBehind({ time }: RequestContext): void {
  if (time !== undefined) queueMicrotask(() => time.pause())
}

function routeOf(handler: ApiHandler): Route {
  const { key, name } = handler.request
  const api = key === undefined ? undefined : apiByKey(key)
  if (api === undefined) throw new TypeError(`${name} is not a request of an API`)
  return {
    api,
    handler,
    tellsThrottle: 'throttleTimeMs' in handler.response.fields,
    countsTime: !CLUSTER_ACTIONS.has(api.key),
  }
}

function fieldsOf(route: Route, context: RequestContext): Readonly<Record<string, unknown>> {
  const { apiVersion, correlationId, clientId } = context
  return { connection: context.connection.id, api: route.api.name, apiVersion, correlationId, clientId }
}
