import { bool, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const initProducerIdRequest = message(
  { name: 'InitProducerIdRequest', key: 22, versions: '0-6', flexible: '2+', latestVersionUnstable: true },
  {
    transactionalId: string({ nullable: '0+' }),
    transactionTimeoutMs: int32(),
    producerId: int64({ versions: '3+', default: -1 }),
    producerEpoch: int16({ versions: '3+', default: -1 }),
    enable2Pc: bool({ versions: '6+', default: false }),
    keepPreparedTxn: bool({ versions: '6+', default: false }),
  },
)
export interface InitProducerIdRequest extends Infer<typeof initProducerIdRequest> {}
export interface InitProducerIdRequestInput extends Input<typeof initProducerIdRequest> {}

export const initProducerIdResponse = message(
  { name: 'InitProducerIdResponse', key: 22, versions: '0-6', flexible: '2+' },
  {
    throttleTimeMs: int32({ ignorable: true }),
    errorCode: int16(),
    producerId: int64({ default: -1 }),
    producerEpoch: int16(),
    ongoingTxnProducerId: int64({ versions: '6+', default: -1 }),
    ongoingTxnProducerEpoch: int16({ versions: '6+', default: -1 }),
  },
)
export interface InitProducerIdResponse extends Infer<typeof initProducerIdResponse> {}
export interface InitProducerIdResponseInput extends Input<typeof initProducerIdResponse> {}
