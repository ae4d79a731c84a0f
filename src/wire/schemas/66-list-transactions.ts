import { array, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const listTransactionsRequest = message(
  { name: 'ListTransactionsRequest', key: 66, versions: '0-2', flexible: '0+' },
  {
    stateFilters: array(string()),
    producerIdFilters: array(int64()),
    durationFilter: int64({ versions: '1+', default: -1 }),
    transactionalIdPattern: string({ versions: '2+', nullable: '2+', default: null }),
  },
)
export interface ListTransactionsRequest extends Infer<typeof listTransactionsRequest> {}
export interface ListTransactionsRequestInput extends Input<typeof listTransactionsRequest> {}

export const listTransactionsResponse = message(
  { name: 'ListTransactionsResponse', key: 66, versions: '0-2', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    unknownStateFilters: array(string()),
    transactionStates: array({
      transactionalId: string(),
      producerId: int64(),
      transactionState: string(),
    }),
  },
)
export interface ListTransactionsResponse extends Infer<typeof listTransactionsResponse> {}
export interface ListTransactionsResponseInput extends Input<typeof listTransactionsResponse> {}
