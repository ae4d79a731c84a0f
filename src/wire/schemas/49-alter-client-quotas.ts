import { array, bool, float64, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const alterClientQuotasRequest = message(
  { name: 'AlterClientQuotasRequest', key: 49, versions: '0-1', flexible: '1+' },
  {
    entries: array({
      entity: array({ entityType: string(), entityName: string({ nullable: '0+' }) }),
      ops: array({ key: string(), value: float64(), remove: bool() }),
    }),
    validateOnly: bool(),
  },
)
export interface AlterClientQuotasRequest extends Infer<typeof alterClientQuotasRequest> {}
export interface AlterClientQuotasRequestInput extends Input<typeof alterClientQuotasRequest> {}

export const alterClientQuotasResponse = message(
  { name: 'AlterClientQuotasResponse', key: 49, versions: '0-1', flexible: '1+' },
  {
    throttleTimeMs: int32(),
    entries: array({
      errorCode: int16(),
      errorMessage: string({ nullable: '0+' }),
      entity: array({ entityType: string(), entityName: string({ nullable: '0+' }) }),
    }),
  },
)
export interface AlterClientQuotasResponse extends Infer<typeof alterClientQuotasResponse> {}
export interface AlterClientQuotasResponseInput extends Input<typeof alterClientQuotasResponse> {}
