import { array, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const listConfigResourcesRequest = message(
  { name: 'ListConfigResourcesRequest', key: 74, versions: '0-1', flexible: '0+' },
  {
    resourceTypes: array(int8(), { versions: '1+' }),
  },
)
export interface ListConfigResourcesRequest extends Infer<typeof listConfigResourcesRequest> {}
export interface ListConfigResourcesRequestInput extends Input<typeof listConfigResourcesRequest> {}

export const listConfigResourcesResponse = message(
  { name: 'ListConfigResourcesResponse', key: 74, versions: '0-1', flexible: '0+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array({
      resourceName: string(),
      resourceType: int8({ versions: '1+', default: 16, ignorable: true }),
    }),
  },
)
export interface ListConfigResourcesResponse extends Infer<typeof listConfigResourcesResponse> {}
export interface ListConfigResourcesResponseInput extends Input<typeof listConfigResourcesResponse> {}
