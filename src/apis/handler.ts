/** What a handler is: one API key, the versions it serves, and the function that answers. */
import type { Infer, Input, Message } from '../wire/schema.ts'
import type { Services } from './services.ts'

/** Who asks, and how. The network layer makes it. */
export interface RequestContext {
  readonly apiVersion: number
  readonly clientId: string | null
  /** Address of the peer, without a port. */
  readonly clientHost: string
  /** Name of the listener that the connection came in by. */
  readonly listenerName: string
  /** The connection's own address, as this broker sees it. */
  readonly localHost: string
  /** Calls back once, when the connection has ended: nobody reads the answer any more. Returns what takes that back. */
  onClose(callback: () => void): () => void
  /** What the client calls itself in ApiVersions (KIP-511). */
  nameClientSoftware(name: string, version: string): void
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
