import { array, bool, type Infer, type Input, int16, int32, message, string } from '../schema.ts'

export const createPartitionsRequest = message(
  { name: 'CreatePartitionsRequest', key: 37, versions: '0-3', flexible: '2+' },
  {
    topics: array({
      name: string(),
      count: int32(),
      assignments: array({ brokerIds: array(int32()) }, { nullable: '0+' }),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
)
export interface CreatePartitionsRequest extends Infer<typeof createPartitionsRequest> {}
export interface CreatePartitionsRequestInput extends Input<typeof createPartitionsRequest> {}

export const createPartitionsResponse = message(
  { name: 'CreatePartitionsResponse', key: 37, versions: '0-3', flexible: '2+' },
  {
    throttleTimeMs: int32(),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: '0+', default: null }),
    }),
  },
)
export interface CreatePartitionsResponse extends Infer<typeof createPartitionsResponse> {}
export interface CreatePartitionsResponseInput extends Input<typeof createPartitionsResponse> {}
