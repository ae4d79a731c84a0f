import { type Infer, type Input, int16, int32, int64, message, string } from '../schema.ts'

export const addOffsetsToTxnRequest = message(
  { name: 'AddOffsetsToTxnRequest', key: 25, versions: '0-4', flexible: '3+' },
  {
    transactionalId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    groupId: string(),
  },
)
export interface AddOffsetsToTxnRequest extends Infer<typeof addOffsetsToTxnRequest> {}
export interface AddOffsetsToTxnRequestInput extends Input<typeof addOffsetsToTxnRequest> {}

export const addOffsetsToTxnResponse = message(
  { name: 'AddOffsetsToTxnResponse', key: 25, versions: '0-4', flexible: '3+' },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
)
export interface AddOffsetsToTxnResponse extends Infer<typeof addOffsetsToTxnResponse> {}
export interface AddOffsetsToTxnResponseInput extends Input<typeof addOffsetsToTxnResponse> {}
