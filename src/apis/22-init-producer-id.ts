/**
 * InitProducerId, versions 0–5. Gives an idempotent producer an id that nobody else has, at epoch 0.
 *
 * - v3: a producer may name the id and epoch that it had; without a transactional id it is given a new one, as in Kafka. One without the other is
 *   INVALID_REQUEST.
 * - Transactions are not served: a transactional id is refused with an error that clients report and don't retry.
 */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type InitProducerIdRequest,
  initProducerIdRequest,
  initProducerIdResponse,
} from '../wire/schemas/22-init-producer-id.ts'
import { handler } from './handler.ts'

export const initProducerId = handler({
  request: initProducerIdRequest,
  response: initProducerIdResponse,
  minVersion: 0,
  maxVersion: 5,

  async handle(_context, request, services) {
    if (hasProducerId(request) !== hasEpoch(request)) return refusal(ErrorCode.INVALID_REQUEST)
    if (request.transactionalId === '') return refusal(ErrorCode.INVALID_REQUEST)
    if (request.transactionalId !== null) return refusal(ErrorCode.UNSUPPORTED_VERSION)
    return { errorCode: ErrorCode.NONE, producerId: await services.producerIds.next(), producerEpoch: 0 }
  },

  refuse: (_request, errorCode) => refusal(errorCode),
})

function hasProducerId({ producerId }: InitProducerIdRequest): boolean {
  return producerId !== NO_PRODUCER_ID
}

function hasEpoch({ producerEpoch }: InitProducerIdRequest): boolean {
  return producerEpoch !== NO_PRODUCER_EPOCH
}

function refusal(errorCode: number) {
  return { errorCode, producerId: -1, producerEpoch: -1 }
}
