import type { QuotaClient } from '../security/quotas/rate-quota.ts'
import type { Message } from '../wire/schema.ts'
import type { NetBound } from './bounds.ts'
import type { Connection } from './connection.ts'
import type { ThrottlingQuota } from './metrics.ts'
import { refusedBound } from './refused-bounds.ts'
import type { RequestTime } from './request-time.ts'

/** What `throttleTimeMs` can tell. A quota of next to nothing asks for more. */
const MAX_THROTTLE_MS = 2 ** 31 - 1

/** What dispatch knows of one API: its messages, the versions served, and who answers. Bound to its services already. */
export interface ApiHandler {
  /** Its `key` is the API's. */
  readonly request: Message<unknown, unknown>
  readonly response: Message<unknown, unknown>
  /** The versions served, and advertised. */
  readonly minVersion: number
  readonly maxVersion: number
  /** Whether all that its requests hold is done with when they are answered: no slice of one is kept. */
  readonly keepsNothing?: boolean
  /** The answer, or null for none. A KafkaError that it throws becomes the answer that `refuse` makes. */
  handle(context: RequestContext, request: unknown): unknown
  /** The answer that says of everything in the request that it failed with `errorCode`. */
  refuse(request: unknown, errorCode: number): unknown
}

export interface RequestDetails {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Size of the request with its header, without the length prefix. */
  readonly requestBytes: number
  /** Monotonic time at which it was taken up. */
  readonly receivedMs: number
  /** What the request costs the event loop; undefined while nobody has a quota on it. */
  readonly time: RequestTime | undefined
}

/** One request on its way: who asks, and what its handler may do besides answering. */
export class RequestContext implements RequestDetails {
  readonly connection: Connection
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly requestBytes: number
  readonly receivedMs: number
  readonly time: RequestTime | undefined
  #client: QuotaClient | undefined
  #muteMs = 0
  #mutedFor: ThrottlingQuota | undefined
  #closeReason: string | undefined

  constructor(connection: Connection, details: RequestDetails) {
    this.connection = connection
    this.apiKey = details.apiKey
    this.apiVersion = details.apiVersion
    this.correlationId = details.correlationId
    this.clientId = details.clientId
    this.requestBytes = details.requestBytes
    this.receivedMs = details.receivedMs
    this.time = details.time
  }

  /** Address of the peer, without a port. */
  get clientHost(): string {
    return this.connection.clientHost
  }

  get clientPort(): number {
    return this.connection.clientPort
  }

  get listenerName(): string {
    return this.connection.listenerName
  }

  /** The connection's own address, as this broker sees it. */
  get localHost(): string {
    return this.connection.localHost
  }

  get localPort(): number {
    return this.connection.localPort
  }

  /** Who asks, as quotas tell clients apart. Without a client id it is the empty one, as in Kafka. */
  get quotaClient(): QuotaClient {
    this.#client ??= { user: this.connection.principal.name, clientId: this.clientId ?? '' }
    return this.#client
  }

  /** More than so many bytes an answer should not have, if it can be less: the memory for them is short. */
  get answerRoom(): number {
    return this.connection.answerRoom
  }

  get softwareName(): string {
    return this.connection.softwareName
  }

  get softwareVersion(): string {
    return this.connection.softwareVersion
  }

  get muteMs(): number {
    return this.#muteMs
  }

  get closeReason(): string | undefined {
    return this.#closeReason
  }

  /** Whether the client has gone, or the connection is about to end: no reason to wait for more. */
  isClosed(): boolean {
    return this.connection.isClosing
  }

  /** Calls back once when `isClosed` becomes true, soon if it is; a long poll ends then. Returns what takes that back. */
  onClose(callback: () => void): () => void {
    return this.connection.onClosing(callback)
  }

  /** Ends the connection after this request (acks=0 has no other way to tell of an error). */
  closeConnection(reason: string): void {
    this.#closeReason ??= reason
  }

  /** Nothing more of this connection is handled until `ms` after the answer, which bears it; the longest of several counts. */
  throttle(quota: ThrottlingQuota, ms: number): void {
    if (ms <= this.#muteMs) return
    this.#muteMs = Math.min(ms, MAX_THROTTLE_MS)
    this.#mutedFor = quota
  }

  /** The quota that `muteMs` is for; undefined while that is 0. */
  get mutedFor(): ThrottlingQuota | undefined {
    return this.#mutedFor
  }

  /** Throttles for the event loop's time that the request took so far, where that is over its client's quota. */
  throttleForTime(): void {
    if (this.time !== undefined) this.throttle('request', this.time.charge(this.quotaClient))
  }

  /** Counts a bound that this request has met, and tells the log now and then. */
  boundMet(bound: NetBound): void {
    this.connection.boundMet(bound, this.clientId)
  }

  /** The same for what an error code of the answer tells of, where that is a bound. */
  refusedWith(errorCode: number): void {
    const bound = refusedBound(errorCode)
    if (bound !== undefined) this.boundMet(bound)
  }

  /** What the client calls itself in ApiVersions (KIP-511). */
  nameClientSoftware(name: string, version: string): void {
    this.connection.softwareName = name
    this.connection.softwareVersion = version
  }
}
