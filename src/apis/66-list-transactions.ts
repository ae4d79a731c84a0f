/**
 * ListTransactions, versions 0–2. v1: only what has lasted longer than a duration; v2: by a pattern (RE2) that the whole
 * transactional id has to match.
 */
import { RE2JS } from 're2js'
import { patternFault } from '../groups/consumer/regex/topic-patterns.ts'
import type { TransactionFilter } from '../transactions/commands.ts'
import { TRANSACTION_STATES } from '../transactions/transaction.ts'
import { ErrorCode } from '../wire/error-codes.ts'
import {
  type ListTransactionsRequest,
  listTransactionsRequest,
  listTransactionsResponse,
} from '../wire/schemas/66-list-transactions.ts'
import { handler } from './handler.ts'

/** Kafka's `TransactionState.ALL_STATES`; the last two are never seen from outside. */
const STATES: ReadonlySet<string> = new Set([...TRANSACTION_STATES, 'Dead', 'PrepareEpochFence'])

export const listTransactions = handler({
  request: listTransactionsRequest,
  response: listTransactionsResponse,
  minVersion: 0,
  maxVersion: 2,

  async handle(_context, request, { transactions }) {
    const { transactionalIdPattern: pattern, stateFilters } = request
    if (pattern !== null && pattern !== '' && patternFault(pattern) !== undefined) {
      return failed(ErrorCode.INVALID_REGULAR_EXPRESSION)
    }
    const replies = await transactions.executeOnAll({ type: 'listTransactions', filter: filterOf(request) })
    // Ids that another broker coordinates, or nobody, are not this one's to list.
    const loading = replies.find(({ errorCode }) => errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    if (loading !== undefined) return failed(loading.errorCode)
    return {
      errorCode: ErrorCode.NONE,
      unknownStateFilters: stateFilters.filter((state) => !STATES.has(state)),
      transactionStates: replies.flatMap((reply) =>
        reply.transactions.map(({ transactionalId, producerId, state }) => ({
          transactionalId,
          producerId,
          transactionState: state,
        })),
      ),
    }
  },

  refuse: (_request, errorCode) => failed(errorCode),
})

function filterOf(request: ListTransactionsRequest): TransactionFilter {
  const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern: pattern } = request
  const compiled = pattern === null || pattern === '' ? undefined : RE2JS.compile(pattern)
  return {
    ...(stateFilters.length > 0 && { states: new Set(stateFilters) }),
    ...(producerIdFilters.length > 0 && { producerIds: new Set(producerIdFilters) }),
    ...(durationFilter >= 0 && { durationMs: durationFilter }),
    ...(compiled !== undefined && { transactionalId: (id: string) => compiled.matches(id) }),
  }
}

function failed(errorCode: number) {
  return { errorCode, unknownStateFilters: [], transactionStates: [] }
}
