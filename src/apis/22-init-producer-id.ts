/**
 * InitProducerId, versions 0–5. Gives a producer an id that nobody else has, at epoch 0.
 *
 * - v3: a producer may name the id and epoch that it had; without a transactional id it is given a new one, as in Kafka. One without the other is
 *   INVALID_REQUEST.
 * - With a transactional id, the transaction coordinator's: fences whoever had it before, and ends what that left open.
 *   v4: PRODUCER_FENCED, before that INVALID_PRODUCER_EPOCH.
 */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID } from '../wire/batch.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type InitProducerIdRequest,
  initProducerIdRequest,
  initProducerIdResponse,
} from '../wire/schemas/22-init-producer-id.ts'
import { handler } from './handler.ts'
import { fencedAs } from './transaction-answers.ts'

const FIRST_VERSION_WITH_FENCED = 4

export const initProducerId = handler({
  request: initProducerIdRequest,
  response: initProducerIdResponse,
  minVersion: 0,
  maxVersion: 5,

  async handle({ apiVersion }, request, services) {
    if (hasProducerId(request) !== hasEpoch(request)) return refusal(ErrorCode.INVALID_REQUEST)
    if (request.transactionalId === '') return refusal(ErrorCode.INVALID_REQUEST)
    const { transactionalId, transactionTimeoutMs: timeoutMs, producerId, producerEpoch } = request
    if (transactionalId !== null) {
      const command = {
        type: 'initProducerId',
        transactionalId,
        timeoutMs,
        producerId,
        producerEpoch,
      } as const
      const reply = await services.transactions.execute(command)
      const errorCode = fencedAs(reply.errorCode, apiVersion, FIRST_VERSION_WITH_FENCED)
      return { errorCode, producerId: reply.producerId, producerEpoch: reply.producerEpoch }
    }
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
