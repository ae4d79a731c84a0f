import { array, bool, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const alterConfigsRequest = message(
  { name: 'AlterConfigsRequest', key: 33, versions: '0-2', flexible: '2+' },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), value: string({ nullable: '0+' }) }),
    }),
    validateOnly: bool(),
  },
)
export interface AlterConfigsRequest extends Infer<typeof alterConfigsRequest> {}
export interface AlterConfigsRequestInput extends Input<typeof alterConfigsRequest> {}

export const alterConfigsResponse = message(
  { name: 'AlterConfigsResponse', key: 33, versions: '0-2', flexible: '2+' },
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
export interface AlterConfigsResponse extends Infer<typeof alterConfigsResponse> {}
export interface AlterConfigsResponseInput extends Input<typeof alterConfigsResponse> {}
