/**
 * EndTxn, versions 0–5.
 *
 * - v2: PRODUCER_FENCED, before that INVALID_PRODUCER_EPOCH; v5: version 2 of the protocol, with the id and epoch that
 *   the producer goes on with.
 */
import { ErrorCode } from '../wire/error-codes.ts'
import { endTxnRequest, endTxnResponse } from '../wire/schemas/26-end-txn.ts'
import { handler } from './handler.ts'
import { CLASSIC, EPOCH_BUMP, fencedAs } from './transaction-answers.ts'

const FIRST_VERSION_WITH_BUMP = 5

export const endTxn = handler({
  request: endTxnRequest,
  response: endTxnResponse,
  minVersion: 0,
  maxVersion: 5,

  async handle({ apiVersion }, request, { transactions }) {
    const { transactionalId, producerId, producerEpoch, committed } = request
    if (transactionalId === '') return { errorCode: ErrorCode.INVALID_REQUEST }
    const bumps = apiVersion >= FIRST_VERSION_WITH_BUMP
    const reply = await transactions.execute({
      type: 'endTransaction',
      transactionalId,
      producerId,
      producerEpoch,
      result: committed ? 'commit' : 'abort',
      clientVersion: bumps ? EPOCH_BUMP : CLASSIC,
    })
    const errorCode = fencedAs(reply.errorCode, apiVersion)
    return bumps
      ? { errorCode, producerId: reply.producerId, producerEpoch: reply.producerEpoch }
      : { errorCode }
  },

  refuse: (_request, errorCode) => ({ errorCode }),
})
