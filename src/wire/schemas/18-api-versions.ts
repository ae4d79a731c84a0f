import { array, bool, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const apiVersionsRequest = message(
  { name: 'ApiVersionsRequest', key: 18, versions: '0-4', flexible: '3+' },
  {
    clientSoftwareName: string({ versions: '3+', ignorable: true }),
    clientSoftwareVersion: string({ versions: '3+', ignorable: true }),
  },
)
export interface ApiVersionsRequest extends Infer<typeof apiVersionsRequest> {}
export interface ApiVersionsRequestInput extends Input<typeof apiVersionsRequest> {}

export const apiVersionsResponse = message(
  { name: 'ApiVersionsResponse', key: 18, versions: '0-4', flexible: '3+' },
  {
    errorCode: int16(),
    apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    supportedFeatures: array(
      {
        name: string({ versions: '3+' }),
        minVersion: int16({ versions: '3+' }),
        maxVersion: int16({ versions: '3+' }),
      },
      { versions: '3+', tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64({ versions: '3+', tag: 1, default: -1, ignorable: true }),
    finalizedFeatures: array(
      {
        name: string({ versions: '3+' }),
        maxVersionLevel: int16({ versions: '3+' }),
        minVersionLevel: int16({ versions: '3+' }),
      },
      { versions: '3+', tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool({ versions: '3+', tag: 3, default: false, ignorable: true }),
  },
)
export interface ApiVersionsResponse extends Infer<typeof apiVersionsResponse> {}
export interface ApiVersionsResponseInput extends Input<typeof apiVersionsResponse> {}
