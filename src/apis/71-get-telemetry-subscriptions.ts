/**
 * GetTelemetrySubscriptions, version 0 (KIP-714). Kafka advertises it only where a plugin receives what clients push;
 * here the broker itself does.
 */
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import {
  getTelemetrySubscriptionsRequest,
  getTelemetrySubscriptionsResponse,
} from '../wire/schemas/71-get-telemetry-subscriptions.ts'
import { handler, type RequestContext } from './handler.ts'

/** zstd, lz4, gzip and snappy, in the order in which Kafka would have them. */
const ACCEPTED_COMPRESSION_TYPES = [4, 3, 1, 2]

export const getTelemetrySubscriptions = handler({
  request: getTelemetrySubscriptionsRequest,
  response: getTelemetrySubscriptionsResponse,
  minVersion: 0,
  maxVersion: 0,

  handle(context, request, { telemetry }) {
    try {
      const { clientInstanceId, subscription } = telemetry.subscribe(
        request.clientInstanceId,
        telemetryClient(context),
      )
      return {
        errorCode: ErrorCode.NONE,
        clientInstanceId,
        subscriptionId: subscription.id,
        acceptedCompressionTypes: ACCEPTED_COMPRESSION_TYPES,
        pushIntervalMs: subscription.intervalMs,
        telemetryMaxBytes: telemetry.maxBytes,
        deltaTemporality: true,
        requestedMetrics: subscription.metrics,
      }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return refused(error.code)
    }
  },

  refuse: (_request, errorCode) => refused(errorCode),
})

function refused(errorCode: number) {
  return {
    errorCode,
    clientInstanceId: 'AAAAAAAAAAAAAAAAAAAAAA',
    subscriptionId: 0,
    acceptedCompressionTypes: [],
    pushIntervalMs: 0,
    telemetryMaxBytes: 0,
    deltaTemporality: false,
    requestedMetrics: [],
  }
}

/** Who asks, as subscriptions tell clients apart. */
export function telemetryClient(context: RequestContext) {
  return {
    clientId: context.clientId ?? '',
    softwareName: context.softwareName,
    softwareVersion: context.softwareVersion,
    host: context.clientHost,
    port: context.clientPort,
  }
}
