import { array, type Infer, type Input, int8, int16, int32, int64, message, string } from '../schema.ts'

export const transactionLogValue = message(
  { name: 'TransactionLogValue', key: 0, versions: '0-1', flexible: '1+' },
  {
    producerId: int64(),
    previousProducerId: int64({ versions: '1+', tag: 0, default: -1 }),
    nextProducerId: int64({ versions: '1+', tag: 1, default: -1 }),
    producerEpoch: int16(),
    nextProducerEpoch: int16({ versions: '1+', tag: 3, default: -1 }),
    transactionTimeoutMs: int32(),
    transactionStatus: int8(),
    transactionPartitions: array({ topic: string(), partitionIds: array(int32()) }, { nullable: '0+' }),
    transactionLastUpdateTimestampMs: int64(),
    transactionStartTimestampMs: int64(),
    clientTransactionVersion: int16({ versions: '1+', tag: 2, default: 0 }),
  },
)
export interface TransactionLogValue extends Infer<typeof transactionLogValue> {}
export interface TransactionLogValueInput extends Input<typeof transactionLogValue> {}
