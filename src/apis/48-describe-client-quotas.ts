/** DescribeClientQuotas, versions 0–1. A component matches a name, the default, or either; `strict` leaves out entities of more types. */
import { matchingQuotas } from '../security/quotas/alteration.ts'
import { ErrorCode, KafkaError } from '../wire/error-codes.ts'
import {
  describeClientQuotasRequest,
  describeClientQuotasResponse,
} from '../wire/schemas/48-describe-client-quotas.ts'
import { handler } from './handler.ts'

export const describeClientQuotas = handler({
  request: describeClientQuotasRequest,
  response: describeClientQuotasResponse,
  minVersion: 0,
  maxVersion: 1,

  handle(_context, request, services) {
    try {
      const matching = matchingQuotas(services.metadata.image(), request)
      return {
        errorCode: ErrorCode.NONE,
        errorMessage: '',
        entries: Array.from(matching, ({ entries, values }) => ({
          entity: Array.from(entries, ([entityType, entityName]) => ({ entityType, entityName })),
          values: Array.from(values, ([key, value]) => ({ key, value })),
        })),
      }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      return { errorCode: error.code, errorMessage: error.message, entries: null }
    }
  },

  refuse: (_request, errorCode) => ({ errorCode, errorMessage: null, entries: null }),
})
