import { array, bool, type Infer, type Input, int8, int16, int32, message, string, uuid } from '../schema.ts'

export const createTopicsRequest = message(
  { name: 'CreateTopicsRequest', key: 19, versions: '0-7', flexible: '5+' },
  {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({ partitionIndex: int32(), brokerIds: array(int32()) }),
      configs: array({ name: string(), value: string({ nullable: '0+' }) }),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ versions: '1+', default: false }),
  },
)
export interface CreateTopicsRequest extends Infer<typeof createTopicsRequest> {}
export interface CreateTopicsRequestInput extends Input<typeof createTopicsRequest> {}

export const createTopicsResponse = message(
  { name: 'CreateTopicsResponse', key: 19, versions: '0-7', flexible: '5+' },
  {
    throttleTimeMs: int32({ versions: '2+', ignorable: true }),
    topics: array({
      name: string(),
      topicId: uuid({ versions: '7+', ignorable: true }),
      errorCode: int16(),
      errorMessage: string({ versions: '1+', nullable: '0+', ignorable: true }),
      topicConfigErrorCode: int16({ versions: '5+', tag: 0, ignorable: true }),
      numPartitions: int32({ versions: '5+', default: -1, ignorable: true }),
      replicationFactor: int16({ versions: '5+', default: -1, ignorable: true }),
      configs: array(
        {
          name: string({ versions: '5+' }),
          value: string({ versions: '5+', nullable: '5+' }),
          readOnly: bool({ versions: '5+' }),
          configSource: int8({ versions: '5+', default: -1, ignorable: true }),
          isSensitive: bool({ versions: '5+' }),
        },
        { versions: '5+', nullable: '5+', ignorable: true },
      ),
    }),
  },
)
export interface CreateTopicsResponse extends Infer<typeof createTopicsResponse> {}
export interface CreateTopicsResponseInput extends Input<typeof createTopicsResponse> {}
