import { array, bool, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const incrementalAlterConfigsRequest = message(
  { name: 'IncrementalAlterConfigsRequest', key: 44, versions: '0-1', flexible: '1+' },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        configOperation: int8(),
        value: string({ nullable: '0+' }),
      }),
    }),
    validateOnly: bool(),
  },
)
export interface IncrementalAlterConfigsRequest extends Infer<typeof incrementalAlterConfigsRequest> {}
export interface IncrementalAlterConfigsRequestInput extends Input<typeof incrementalAlterConfigsRequest> {}

export const incrementalAlterConfigsResponse = message(
  { name: 'IncrementalAlterConfigsResponse', key: 44, versions: '0-1', flexible: '1+' },
  {
    throttleTimeMs: int32(),
    responses: array({
      errorCode: int16(),
      errorMessage: string({ nullable: '0+' }),
      resourceType: int8(),
      resourceName: string(),
    }),
  },
)
export interface IncrementalAlterConfigsResponse extends Infer<typeof incrementalAlterConfigsResponse> {}
export interface IncrementalAlterConfigsResponseInput extends Input<typeof incrementalAlterConfigsResponse> {}
