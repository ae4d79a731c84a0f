import { bool, type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const endTxnRequest = message(
  { name: 'EndTxnRequest', key: 26, versions: '0-5', flexible: '3+' },
  {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    committed: bool(),
  },
)
export interface EndTxnRequest extends Infer<typeof endTxnRequest> {}
export interface EndTxnRequestInput extends Input<typeof endTxnRequest> {}

export const endTxnResponse = message(
  { name: 'EndTxnResponse', key: 26, versions: '0-5', flexible: '3+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    producerId: int64({ versions: '5+', default: -1, ignorable: true }),
    producerEpoch: int16({ versions: '5+', default: -1, ignorable: true }),
  },
)
export interface EndTxnResponse extends Infer<typeof endTxnResponse> {}
export interface EndTxnResponseInput extends Input<typeof endTxnResponse> {}
