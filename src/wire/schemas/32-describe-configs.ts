import { array, bool, type Infer, type Input, int8, int16, int32, message, string } from '../schema.ts'

export const describeConfigsRequest = message(
  { name: 'DescribeConfigsRequest', key: 32, versions: '0-4', flexible: '4+' },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string(), { nullable: '0+' }),
    }),
    includeSynonyms: bool({ versions: '1+', default: false }),
    includeDocumentation: bool({ versions: '3+', default: false }),
  },
)
export interface DescribeConfigsRequest extends Infer<typeof describeConfigsRequest> {}
export interface DescribeConfigsRequestInput extends Input<typeof describeConfigsRequest> {}

export const describeConfigsResponse = message(
  { name: 'DescribeConfigsResponse', key: 32, versions: '0-4', flexible: '4+' },
  {
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullable: '0+' }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: '0+' }),
        readOnly: bool(),
        isDefault: bool({ versions: '0' }),
        configSource: int8({ versions: '1+', default: -1, ignorable: true }),
        isSensitive: bool(),
        synonyms: array(
          {
            name: string({ versions: '1+' }),
            value: string({ versions: '1+', nullable: '0+' }),
            source: int8({ versions: '1+' }),
          },
          { versions: '1+', ignorable: true },
        ),
        configType: int8({ versions: '3+', default: 0, ignorable: true }),
        documentation: string({ versions: '3+', nullable: '0+', ignorable: true }),
      }),
    }),
  },
)
export interface DescribeConfigsResponse extends Infer<typeof describeConfigsResponse> {}
export interface DescribeConfigsResponseInput extends Input<typeof describeConfigsResponse> {}
