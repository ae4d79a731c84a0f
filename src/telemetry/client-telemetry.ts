/**
 * Metrics that clients push to the broker (KIP-714), after Kafka's `ClientMetricsManager`.
 *
 * A client asks what it is to push, under an id that it is given, and pushes that every so often. Asking or pushing
 * before it is time is refused, so that no client keeps the broker busy with it; a change of the subscriptions makes
 * the id of the old ones unknown, upon which the client asks anew.
 */
import type { Clock, Timer } from '../base/clock.ts'
import { type Random, randomUuid } from '../base/random.ts'
import { compressionTypeOf, decompress } from '../wire/compression.ts'
import { CorruptRecordError } from '../wire/corrupt-record-error.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import { ZERO_UUID } from '../wire/schema.ts'
import { MalformedMetrics, readMetrics } from './otlp.ts'
import { MAX_SERIES_PER_CLIENT, PushedMetrics } from './pushed-metrics.ts'
import {
  type ClientAttributes,
  type ClientSubscription,
  type Subscription,
  subscriptionOf,
} from './subscriptions.ts'

/** Who asks, as far as subscriptions and labels tell clients apart. */
export interface TelemetryClient {
  readonly clientId: string
  readonly softwareName: string
  readonly softwareVersion: string
  readonly host: string
  readonly port: number
}

export interface TelemetryPush {
  readonly clientInstanceId: string
  readonly subscriptionId: number
  /** It is the last one of the client. */
  readonly terminating: boolean
  readonly compressionType: number
  readonly metrics: Buffer
}

export interface ClientTelemetryOptions {
  readonly clock: Clock
  readonly random: Random
  /** `telemetry.max.bytes`. */
  readonly maxBytes: number
}

interface Instance {
  readonly attributes: ClientAttributes
  readonly subscription: ClientSubscription
  /** Of the subscriptions that `subscription` was found in. */
  readonly generation: number
  askedMs: number
  pushedMs: number
  lastError: number
  terminating: boolean
  expiresMs: number
}

/** Kafka's `Uuid.RESERVED`. */
const RESERVED_IDS: ReadonlySet<string> = new Set([ZERO_UUID, 'AAAAAAAAAAAAAAAAAAAAAQ'])
/** Kafka's `ClientMetricsManager.CACHE_MAX_SIZE`. */
const MAX_CLIENTS = 16_384
/** A client that is silent for so long, or for three of its intervals, has gone. */
const EXPIRY_MS = 60_000
const SWEEP_MS = 10_000
/** What a push may hold once it is decompressed. */
const MAX_DECOMPRESSED_BYTES = 8 * 1024 * 1024

export class ClientTelemetry {
  readonly #clock: Clock
  readonly #random: Random
  readonly #maxBytes: number
  /** Least recently seen first. */
  readonly #clients = new Map<string, Instance>()
  readonly #metrics = new PushedMetrics()
  #subscriptions: readonly Subscription[] = []
  #generation = 0
  #sweep: Timer | undefined

  constructor({ clock, random, maxBytes }: ClientTelemetryOptions) {
    this.#clock = clock
    this.#random = random
    this.#maxBytes = maxBytes
  }

  /** What is asked of clients from now on. */
  set subscriptions(subscriptions: readonly Subscription[]) {
    this.#subscriptions = subscriptions
    this.#generation++
  }

  get clientCount(): number {
    return this.#clients.size
  }

  /** What clients pushed. */
  get metrics(): PushedMetrics {
    return this.#metrics
  }

  get maxBytes(): number {
    return this.#maxBytes
  }

  /** What the client is to push, and its id: a new one for the zero id. Throws KafkaError where it may not ask yet. */
  subscribe(
    clientInstanceId: string,
    client: TelemetryClient,
  ): { readonly clientInstanceId: string; readonly subscription: ClientSubscription } {
    const id = clientInstanceId === ZERO_UUID ? randomUuid(this.#random) : clientInstanceId
    const instance = this.#instance(id, client)
    const nowMs = this.#clock.monotonicMs()
    const due = nowMs - Math.max(instance.askedMs, instance.pushedMs) >= instance.subscription.intervalMs
    if (due) instance.askedMs = nowMs
    else if (!ASK_AGAIN.has(instance.lastError)) {
      throw new KafkaError(
        ErrorCode.THROTTLING_QUOTA_EXCEEDED,
        `Request from the client [${id}] arrived before the next push interval time`,
      )
    }
    instance.lastError = ErrorCode.NONE
    return { clientInstanceId: id, subscription: instance.subscription }
  }

  /** Keeps what the client pushes. Throws KafkaError where that is refused. */
  push(push: TelemetryPush, client: TelemetryClient): void {
    const { clientInstanceId: id, metrics } = push
    if (RESERVED_IDS.has(id)) {
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `Invalid request from the client [${id}], invalid client instance id`,
      )
    }
    const instance = this.#instance(id, client)
    try {
      this.#check(push, instance)
      if (metrics.length > 0) this.#keep(push, instance)
      instance.lastError = ErrorCode.NONE
    } catch (error) {
      instance.lastError = error instanceof KafkaError ? error.code : ErrorCode.UNKNOWN_SERVER_ERROR
      throw error
    } finally {
      instance.terminating = push.terminating
      // What it pushed last can be read for a while.
      if (push.terminating) instance.expiresMs = this.#clock.monotonicMs() + EXPIRY_MS
    }
  }

  /** Forgets all clients. */
  close(): void {
    this.#sweep?.cancel()
    this.#sweep = undefined
    for (const id of this.#clients.keys()) this.#metrics.forget(id)
    this.#clients.clear()
  }

  #instance(id: string, client: TelemetryClient): Instance {
    const known = this.#clients.get(id)
    const instance =
      known !== undefined && known.generation === this.#generation
        ? known
        : this.#newInstance(id, known?.attributes ?? attributesOf(id, client))
    instance.expiresMs = this.#clock.monotonicMs() + Math.max(EXPIRY_MS, instance.subscription.intervalMs * 3)
    if (known !== undefined) this.#clients.delete(id)
    else if (this.#clients.size >= MAX_CLIENTS) this.#forget(this.#clients.keys().next().value!)
    this.#clients.set(id, instance)
    this.#sweepLater()
    return instance
  }

  #newInstance(id: string, attributes: ClientAttributes): Instance {
    return {
      attributes,
      subscription: subscriptionOf(id, attributes, this.#subscriptions),
      generation: this.#generation,
      askedMs: Number.NEGATIVE_INFINITY,
      pushedMs: Number.NEGATIVE_INFINITY,
      lastError: ErrorCode.NONE,
      terminating: false,
      expiresMs: 0,
    }
  }

  #check(push: TelemetryPush, instance: Instance): void {
    const { clientInstanceId: id } = push
    if (instance.terminating) {
      throw new KafkaError(
        ErrorCode.INVALID_REQUEST,
        `Client [${id}] sent the previous request with state terminating to TRUE, can not accept any requests after that`,
      )
    }
    const nowMs = this.#clock.monotonicMs()
    const due =
      instance.askedMs > instance.pushedMs || nowMs - instance.pushedMs >= instance.subscription.intervalMs
    if (due) instance.pushedMs = nowMs
    else if (!push.terminating) {
      throw new KafkaError(
        ErrorCode.THROTTLING_QUOTA_EXCEEDED,
        `Request from the client [${id}] arrived before the next push interval time`,
      )
    }
    if (push.subscriptionId !== instance.subscription.id) {
      throw new KafkaError(
        ErrorCode.UNKNOWN_SUBSCRIPTION_ID,
        `Unknown client subscription id for the client [${id}]`,
      )
    }
    if (compressionTypeOf(push.compressionType) === undefined) {
      throw new KafkaError(
        ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
        `Unknown compression type [${push.compressionType}] is received in telemetry request from [${id}]`,
      )
    }
    if (push.metrics.length > this.#maxBytes) {
      throw new KafkaError(
        ErrorCode.TELEMETRY_TOO_LARGE,
        `Telemetry request from [${id}] is larger than the maximum allowed size [${this.#maxBytes}]`,
      )
    }
  }

  #keep({ clientInstanceId, compressionType, metrics }: TelemetryPush, { attributes }: Instance): void {
    try {
      // The codec was checked before.
      const bytes = decompress(compressionTypeOf(compressionType)!, metrics, MAX_DECOMPRESSED_BYTES)
      const labels = new Map([
        ['client_instance_id', clientInstanceId],
        ['client_id', attributes.get('client_id')!],
        ['client_software_name', attributes.get('client_software_name')!],
        ['client_software_version', attributes.get('client_software_version')!],
      ])
      this.#metrics.take(clientInstanceId, labels, readMetrics(bytes, MAX_SERIES_PER_CLIENT))
    } catch (cause) {
      if (!(cause instanceof MalformedMetrics || cause instanceof CorruptRecordError)) throw cause
      throw new KafkaError(ErrorCode.INVALID_RECORD, cause.message, { cause })
    }
  }

  #forget(id: string): void {
    this.#clients.delete(id)
    this.#metrics.forget(id)
  }

  /** One timer for all, and none while there is no client. */
  #sweepLater(): void {
    this.#sweep ??= this.#clock.setTimer(SWEEP_MS, () => {
      this.#sweep = undefined
      const nowMs = this.#clock.monotonicMs()
      for (const [id, { expiresMs }] of this.#clients) if (nowMs >= expiresMs) this.#forget(id)
      if (this.#clients.size > 0) this.#sweepLater()
    })
  }
}

/** Errors upon which a client may ask again at once. */
const ASK_AGAIN: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_SUBSCRIPTION_ID,
  ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
])

function attributesOf(id: string, client: TelemetryClient): ClientAttributes {
  return new Map([
    ['client_instance_id', id],
    ['client_id', client.clientId],
    ['client_software_name', client.softwareName],
    ['client_software_version', client.softwareVersion],
    ['client_source_address', client.host],
    ['client_source_port', String(client.port)],
  ])
}
