import { array, bool, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

const addPartitionsToTxnTopic = { name: string(), partitions: array(int32()) }

export const addPartitionsToTxnRequest = message(
  { name: 'AddPartitionsToTxnRequest', key: 24, versions: '0-5', flexible: '3+' },
  {
    transactions: array(
      {
        transactionalId: string({ versions: '4+' }),
        producerId: int64({ versions: '4+' }),
        producerEpoch: int16({ versions: '4+' }),
        verifyOnly: bool({ versions: '4+', default: false }),
        topics: array(addPartitionsToTxnTopic, { versions: '4+' }),
      },
      { versions: '4+' },
    ),
    v3AndBelowTransactionalId: string({ versions: '0-3' }),
    v3AndBelowProducerId: int64({ versions: '0-3' }),
    v3AndBelowProducerEpoch: int16({ versions: '0-3' }),
    v3AndBelowTopics: array(addPartitionsToTxnTopic, { versions: '0-3' }),
  },
)
export interface AddPartitionsToTxnRequest extends Infer<typeof addPartitionsToTxnRequest> {}
export interface AddPartitionsToTxnRequestInput extends Input<typeof addPartitionsToTxnRequest> {}

const addPartitionsToTxnPartitionResult = { partitionIndex: int32(), partitionErrorCode: int16() }

const addPartitionsToTxnTopicResult = {
  name: string(),
  resultsByPartition: array(addPartitionsToTxnPartitionResult),
}

export const addPartitionsToTxnResponse = message(
  { name: 'AddPartitionsToTxnResponse', key: 24, versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ versions: '4+', ignorable: true }),
    resultsByTransaction: array(
      {
        transactionalId: string({ versions: '4+' }),
        topicResults: array(addPartitionsToTxnTopicResult, { versions: '4+' }),
      },
      { versions: '4+' },
    ),
    resultsByTopicV3AndBelow: array(addPartitionsToTxnTopicResult, { versions: '0-3' }),
  },
)
export interface AddPartitionsToTxnResponse extends Infer<typeof addPartitionsToTxnResponse> {}
export interface AddPartitionsToTxnResponseInput extends Input<typeof addPartitionsToTxnResponse> {}
