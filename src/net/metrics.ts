import type { NetBound } from './bounds.ts'

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
