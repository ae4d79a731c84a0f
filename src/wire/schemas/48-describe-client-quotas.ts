import {
  array,
  bool,
  float64,
  type Infer,
  type Input,
  int8,
  int16,
  int32,
  message,
  string,
} from '../schema.ts'

export const describeClientQuotasRequest = message(
  { name: 'DescribeClientQuotasRequest', key: 48, versions: '0-1', flexible: '1+' },
  {
    components: array({
      entityType: string(),
      matchType: int8(),
      match: string({ nullable: '0+' }),
    }),
    strict: bool(),
  },
)
export interface DescribeClientQuotasRequest extends Infer<typeof describeClientQuotasRequest> {}
export interface DescribeClientQuotasRequestInput extends Input<typeof describeClientQuotasRequest> {}

export const describeClientQuotasResponse = message(
  { name: 'DescribeClientQuotasResponse', key: 48, versions: '0-1', flexible: '1+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    entries: array(
      {
        entity: array({ entityType: string(), entityName: string({ nullable: '0+' }) }),
        values: array({ key: string(), value: float64() }),
      },
      { nullable: '0+' },
    ),
  },
)
export interface DescribeClientQuotasResponse extends Infer<typeof describeClientQuotasResponse> {}
export interface DescribeClientQuotasResponseInput extends Input<typeof describeClientQuotasResponse> {}
