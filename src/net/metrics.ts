/** The bounds of this layer; each time one is met it is counted. */
export type NetBound =
  /** A connection has sent more requests than it may have waiting; its socket is not read. */
  | 'connection.readahead'
  /** All requests in memory have reached their bound; the sockets that send are not read. */
  | 'requests.bytes'
  /** All answers being sent have reached their bound; the next request waits. */
  | 'answers.bytes'
  /** A request announced a length that is negative or above `socket.request.max.bytes`; its connection is closed. */
  | 'request.size'
  /** A request had more entries than `sluice.max.request.entries`; its connection is closed. */
  | 'request.entries'
  /** `max.connections`, of the broker or of a listener; the connection is closed at once. */
  | 'connections'
  /** `max.connections.per.ip`; the connection is closed at once. */
  | 'connections.per.ip'
  /** Connections that a listener holds back for the rate at which they come; more are closed at once. */
  | 'connections.held'
  /** `connections.max.idle.ms`; the connection is closed. */
  | 'connection.idle'
  /** A connection that made no progress while others waited for the memory that it holds; it is closed. */
  | 'connection.stalled'
  /** Connections that a stop of the broker did not see end in time; they are cut. */
  | 'close.timeout'

/** The quotas for which requests are held up, by the name that metrics show. */
export type ThrottlingQuota = 'produce' | 'fetch' | 'request' | 'controller_mutation'

/** The rates for which connections are held up. */
export type ThrottlingRate = 'connections' | 'connections.per.ip'

export interface RequestMeasure {
  readonly apiKey: number
  readonly apiVersion: number
  readonly requestBytes: number
  /** 0 when there is no answer. */
  readonly answerBytes: number
  /** From the whole request received to the answer encoded. */
  readonly durationMs: number
}

/** What this layer counts; handed in. Called per connection, per request or less often, never per record. */
export interface NetMetrics {
  boundMet(bound: NetBound, listenerName: string): void
  connectionOpened(listenerName: string): void
  connectionClosed(listenerName: string): void
  requestHandled(measure: RequestMeasure): void
  /** A request that was refused by closing its connection. */
  requestRefused(listenerName: string, apiKey: number): void
  /** A connection is muted for its request. */
  requestThrottled(quota: ThrottlingQuota, throttleMs: number): void
  /** A connection is not accepted yet, or not at all, for the rate at which they come. */
  connectionThrottled(rate: ThrottlingRate, throttleMs: number): void
}

export const noNetMetrics: NetMetrics = {
  boundMet() {},
  connectionOpened() {},
  connectionClosed() {},
  requestHandled() {},
  requestRefused() {},
  requestThrottled() {},
  connectionThrottled() {},
}
