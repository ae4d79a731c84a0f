/** What a handler is: one API key, the versions it serves, and the function that answers. */
import type { QuotaClient } from '../security/quotas/rate-quota.ts'
import type { Infer, Input, Message } from '../wire/schema.ts'
import type { Services } from './services.ts'

/** Who asks, and how. The network layer makes it. */
export interface RequestContext {
  readonly apiVersion: number
  readonly clientId: string | null
  /** Who asks, as quotas tell clients apart. */
  readonly quotaClient: QuotaClient
  /** Size of the request with its header, without the length prefix. */
  readonly requestBytes: number
  /** Address of the peer, without a port. */
  readonly clientHost: string
  readonly clientPort: number
  /** As `nameClientSoftware` was told; empty before that. */
  readonly softwareName: string
  readonly softwareVersion: string
  /** Name of the listener that the connection came in by. */
  readonly listenerName: string
  /** The connection's own address, as this broker sees it. */
  readonly localHost: string
  /** More than so many bytes an answer should not have, if it can be less: the memory for them is short. */
  readonly answerRoom: number
  /** Calls back once, when the connection has ended: nobody reads the answer any more. Returns what takes that back. */
  onClose(callback: () => void): () => void
  /** Counts a bound that this request has met, and tells the log now and then. */
  boundMet(bound: 'fetch.sessions' | 'telemetry.series'): void
  /** The same for an error code within the answer, where it tells of a bound; that of the whole answer is looked at anyway. */
  refusedWith(errorCode: number): void
  /** What the client calls itself in ApiVersions (KIP-511). */
  nameClientSoftware(name: string, version: string): void
  /** Nothing more of the connection is handled until `ms` after the answer, which says so; the longest of several counts. */
  throttle(quota: 'produce' | 'fetch' | 'request' | 'controller_mutation', ms: number): void
  /** How long the connection will be held up for what was found so far, in milliseconds. */
  readonly muteMs: number
  /** Throttles for the event loop's time that the request took so far; done for every answer, at the latest when it is sent. */
  throttleForTime(): void
  /** What the request costs the event loop; undefined while nobody has a quota on it. */
  readonly time: { pause(): void; resume(): void; exempt(): void } | undefined
  /** Ends the connection after this request (acks=0 has no other way to tell of an error). */
  closeConnection(reason: string): void
}

type AnyMessage = Message<unknown, unknown>

/** What a handler answers: throttling is the dispatcher's. */
export type Answer<S extends AnyMessage> = Omit<Input<S>, 'throttleTimeMs'> & {
  readonly throttleTimeMs?: number | undefined
}

export interface Handler<Q extends AnyMessage, S extends AnyMessage> {
  readonly request: Q
  readonly response: S
  /** The versions served, and advertised. */
  readonly minVersion: number
  readonly maxVersion: number
  /** Whether no slice of a request is kept beyond its answer, so that its memory can be used again. */
  readonly keepsNothing?: boolean
  /** Null for no answer. */
  handle(
    context: RequestContext,
    request: Infer<Q>,
    services: Services,
  ): Answer<S> | null | Promise<Answer<S> | null>
  /** The answer that says of everything in the request that it failed with `errorCode`. */
  refuse(request: Infer<Q>, errorCode: number): Answer<S>
}

/** Binds the types of request and response to the handler's functions. */
export function handler<Q extends AnyMessage, S extends AnyMessage>(spec: Handler<Q, S>): Handler<Q, S> {
  return spec
}
